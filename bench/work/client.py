"""The client: starts executions over gRPC and reads the responses, in a separate process.

    python -m bench.work.client PORT...

It has one connection per port and uses them in turn. A request has `work` and `way`: `stream` is ExecuteWorkflow with
its full stream, `status` is StartWorkflow, then WatchExecution for the final update only.
"""

import itertools
import sys
import time
from typing import Any, TextIO, cast

import grpc
import uvloop

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from bench.closed_loop import Load, Operation, closed_loop
from bench.program import answer_requests, take_stdout


class UnexpectedEnd(Exception):
    """An execution did not complete; the message says how it ended."""


class Client:
    """Calls that each run one execution of `work` and check that it completed."""

    def __init__(self, stubs: list[Any], work: str) -> None:
        self._stubs = itertools.cycle(stubs)
        self._work = work
        self._updates = 0

    async def learn(self) -> None:
        """Find out how many updates an execution has."""
        async for update in next(self._stubs).ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=self._work)):
            self._updates += 1
            _check(update, self._updates)

    async def stream(self) -> float:
        began = time.perf_counter()
        first, updates, last = 0.0, 0, None
        async for update in next(self._stubs).ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=self._work)):
            updates, last = updates + 1, update
            first = first or time.perf_counter() - began
        if updates != self._updates or last is None or last.status != pb.COMPLETED:
            raise UnexpectedEnd(f"{updates} of {self._updates} updates, the last one {last}")
        return first

    async def status(self) -> float:
        began = time.perf_counter()
        stub = next(self._stubs)
        started = await stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=self._work))
        first = time.perf_counter() - began
        last = None
        rest = pb.WatchExecutionRequest(execution_id=started.execution_id, after_sequence=self._updates - 1)
        async for update in stub.WatchExecution(rest):
            last = update
        if last is None or last.status != pb.COMPLETED:
            raise UnexpectedEnd(f"the last update was {last}")
        return first


def _check(update: Any, number: int) -> None:
    if update.sequence not in (0, number) or update.status in (pb.FAILED, pb.CANCELLED):
        raise UnexpectedEnd(f"update {number} was {update}")


async def _measure(stubs: list[Any], request: dict[str, Any], load: Load) -> dict[str, Any]:
    client = Client(stubs, request["work"])
    await client.learn()
    operation: Operation = client.status if request["way"] == "status" else client.stream
    return (await closed_loop(operation, load)).summary()


async def _serve(channel: TextIO, ports: list[str]) -> None:
    connections = [
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        for port in ports
    ]
    stubs = [cast(Any, WorkflowServiceStub)(connection) for connection in connections]
    await answer_requests(channel, lambda request, load: _measure(stubs, request, load))


if __name__ == "__main__":
    uvloop.run(_serve(take_stdout(), sys.argv[1:]))
