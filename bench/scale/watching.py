"""Idle watchers in a separate process: each has a stream of its own execution, in which nothing happens.

python -m bench.scale.watching PORT FILE

FILE has the ids, one per line. The only request returns the number of streams that have received their history.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, TextIO, cast

import grpc
import uvloop

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from bench.closed_loop import Load
from bench.program import answer_requests, take_stdout


class Watchers:
    def __init__(self, stub: Any) -> None:
        self.reading: set[str] = set()
        self._stub = stub

    async def watch(self, execution_id: str) -> None:
        async for _ in self._stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id)):
            self.reading.add(execution_id)


async def _serve(channel: TextIO, port: str, ids: list[str]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as connection:
        watchers = Watchers(cast(Any, WorkflowServiceStub)(connection))
        streams = [asyncio.create_task(watchers.watch(execution_id)) for execution_id in ids]

        async def tell(_: dict[str, Any], __: Load) -> dict[str, Any]:
            return {"reading": len(watchers.reading)}

        await answer_requests(channel, tell)
        for stream in streams:
            stream.cancel()


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1], Path(sys.argv[2]).read_text().split()))
