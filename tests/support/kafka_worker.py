"""An engine with Kafka as a process of its own: `python -m app.kafka_main`, to be killed and started again."""

import asyncio
import sys
from pathlib import Path

from tests.support.server_process import ServerProcess

LOOK_SECONDS = 0.05


class KafkaWorker(ServerProcess):
    """What it says goes to the file `log`, which is needed to know when it is ready."""

    def __init__(self, log: Path, **environment: str) -> None:
        super().__init__((sys.executable, "-m", "app.kafka_main"), 0, log, LOG_FORMAT="json", **environment)
        self._log_file = log
        self._seen = 0

    async def start(self) -> None:
        self._seen = self._log_file.stat().st_size if self._log_file.exists() else 0
        await super().start()

    async def _answers(self) -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        return b'"kafka_ready"' in self._log_file.read_bytes()[self._seen :]
