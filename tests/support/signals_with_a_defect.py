"""For PYTHON_MODULES of a server: its signals die of a defect as soon as the file that DEFECT names is there.

An ordinary error of the network or the database would be no defect; so the code itself is broken here.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from app.adapters.database.signals import PostgresSignals


async def _until_broken(*_: Any) -> None:
    while not Path(os.environ["DEFECT"]).exists():
        await asyncio.sleep(0.02)
    raise ZeroDivisionError("a defect of the signals")


PostgresSignals._until_broken = _until_broken  # type: ignore[method-assign]
