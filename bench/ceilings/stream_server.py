"""Ceiling (a): a bare grpc.aio server that streams the recorded updates of an execution to every caller.

python -m bench.ceilings.stream_server PORT FILE
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import uvloop

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceServicer, add_WorkflowServiceServicer_to_server
from bench.ceilings.recorded import read_updates


class BareServicer(WorkflowServiceServicer):
    """Sends the recorded updates and does nothing else."""

    def __init__(self, updates: Sequence[pb.WorkflowExecutionUpdate]) -> None:
        self._updates = updates

    async def ExecuteWorkflow(self, request: Any, context: Any) -> AsyncIterator[pb.WorkflowExecutionUpdate]:
        for update in self._updates:
            yield update


async def serve(port: int, updates: Sequence[pb.WorkflowExecutionUpdate]) -> None:
    server = grpc.aio.server()
    add_WorkflowServiceServicer_to_server(BareServicer(updates), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), read_updates(Path(sys.argv[2]))))
