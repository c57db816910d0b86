"""Minutes of everything going wrong under load: `make soak`, SOAK_MINUTES=10, CHAOS_SEED=… for a seed seen before."""

import os
import random
import sys
from pathlib import Path

import pytest

from tests.support.chaos import ChaosPlan, survive

MINUTES = float(os.environ.get("SOAK_MINUTES") or 10)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
RATE = float(os.environ.get("SOAK_RATE") or 110)


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.mark.timeout(0)
async def test_soak(tmp_path: Path) -> None:
    await survive(tmp_path, ChaosPlan(SEED, seconds=MINUTES * 60, starts_per_second=RATE), tell)
