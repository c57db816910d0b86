"""`run_grpc_server.py` as a process of its own."""

import sys
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.clients import grpc_channel
from tests.support.ports import free_port
from tests.support.server_process import ServerProcess
from tests.support.walls import logins_for


class GrpcServerProcess(ServerProcess):
    """`stub` talks to whichever process runs, with `key` or that of the tenant of the test."""

    def __init__(
        self, database_url: str, log: Path | None = None, workers: int = 1, key: str | None = None, **settings: str
    ) -> None:
        port = free_port()
        environment = {**logins_for(database_url), "GRPC_PORT": str(port), "LOG_FORMAT": "json", **settings}
        super().__init__((sys.executable, "run_grpc_server.py", f"--workers={workers}"), port, log, **environment)
        self.channel = grpc_channel(f"127.0.0.1:{port}", key=key)
        self.stub: Any = WorkflowServiceStub(self.channel)

    async def close(self) -> None:
        await super().close()
        await self.channel.close()

    async def _answers(self) -> bool:
        health = health_pb2_grpc.HealthStub(self.channel)
        try:
            await health.Check(health_pb2.HealthCheckRequest(), timeout=3, wait_for_ready=True)
        except grpc.aio.AioRpcError:
            return False
        return True
