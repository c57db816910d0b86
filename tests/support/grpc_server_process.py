"""`run_grpc_server.py` as a process of its own, to be killed and started again."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class GrpcServerProcess:
    """One server at a time on one port; `stub` talks to whichever runs. What it says goes to the file `log`."""

    def __init__(self, database_url: str, log: Path | None = None, workers: int = 1, **settings: str) -> None:
        self._log = log
        self._workers = workers
        self.port = free_port()
        self._environment = os.environ | {
            "DATABASE_URL": database_url,
            "GRPC_PORT": str(self.port),
            "LOG_FORMAT": "json",
            **settings,
        }
        self._process: Process | None = None
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub: Any = WorkflowServiceStub(self.channel)

    async def start(self) -> None:
        with self._log.open("ab") if self._log else nullcontext() as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "run_grpc_server.py",
                f"--workers={self._workers}",
                cwd=REPOSITORY,
                env=self._environment,
                stdout=output,
                stderr=output,
            )
        await self._answers()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, unless it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until the process ends; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        await self.channel.close()

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self._process.wait()

    async def _answers(self) -> None:
        assert self._process is not None
        health = health_pb2_grpc.HealthStub(self.channel)
        async with asyncio.timeout(START_SECONDS):
            while self._process.returncode is None:
                try:
                    await health.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
                except grpc.aio.AioRpcError:
                    continue
                return
        raise AssertionError(f"the server ended with {self._process.returncode}")
