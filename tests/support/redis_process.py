"""Redis as a process of its own, empty whenever it starts: the machine's `redis-server`, else that of `fakeredis`.

`python -m tests.support.redis_process PORT` is the latter.
"""

import sys
from pathlib import Path

from tests.support.ports import free_port
from tests.support.redis_server import PROGRAM
from tests.support.rest_server_process import listens
from tests.support.server_process import ServerProcess


class RedisProcess(ServerProcess):
    def __init__(self, log: Path | None = None) -> None:
        port = free_port()
        in_memory = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        real = (str(PROGRAM), "--port", str(port), *in_memory)
        super().__init__(real if PROGRAM else (sys.executable, "-m", __name__, str(port)), port, log)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def _answers(self) -> bool:
        return await listens(self.port)


if __name__ == "__main__":
    from fakeredis import TcpFakeServer

    TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_type="redis").serve_forever()
