"""The two protocols as the load speaks them: a call is answered, or it fails in one of three ways."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc
import httpx

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.clients import grpc_channel, rest_client

CALL_SECONDS = 5.0
RECONNECT = (("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
NO_LIMIT = httpx.Limits(max_connections=None, max_keepalive_connections=20)
# What a client of a service under attack has to live with. Anything else is a defect.
EXPECTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}

Updates = AsyncGenerator[pb.WorkflowExecutionUpdate]


class Disturbed(Exception):
    """What a client of a service under attack has to live with, in a word: it may try again."""


class Ended(Exception):
    """The execution has ended and refuses the command."""


class Wrong(Exception):
    """What no client may ever see."""


class Caller(Protocol):
    async def start(self, workflow: str, key: str) -> str:
        """The execution's id."""

    async def control(self, verb: str, execution_id: str) -> None: ...

    async def signal(self, execution_id: str, name: str) -> None: ...


class GrpcCaller:
    """`seconds` is how long each call may take."""

    def __init__(self, port: int, seconds: float = CALL_SECONDS) -> None:
        self._seconds = seconds
        self._channel = grpc_channel(f"127.0.0.1:{port}", options=RECONNECT)
        self._stub: Any = WorkflowServiceStub(self._channel)

    async def close(self) -> None:
        await self._channel.close()

    async def start(self, workflow: str, key: str) -> str:
        request = pb.StartWorkflowRequest(workflow_id=workflow, idempotency_key=key)
        return str((await self._call("StartWorkflow", request)).execution_id)

    async def control(self, verb: str, execution_id: str) -> None:
        request = getattr(pb, f"{verb.title()}ExecutionRequest")(execution_id=execution_id, reason="chaos")
        await self._call(f"{verb.title()}Execution", request)

    async def signal(self, execution_id: str, name: str) -> None:
        request = pb.SignalExecutionRequest(execution_id=execution_id, name=name, payload='"on"')
        await self._call("SignalExecution", request)

    def execute(self, workflow: str, key: str) -> Updates:
        return _read(self._stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=workflow, idempotency_key=key)))

    def watch(self, execution_id: str, after: int) -> Updates:
        request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
        return _read(self._stub.WatchExecution(request))

    async def _call(self, method: str, request: Any) -> Any:
        with _told_apart():
            return await getattr(self._stub, method)(request, timeout=self._seconds)


class RestCaller:
    """`seconds` is how long each call may take."""

    def __init__(self, url: str, seconds: float = CALL_SECONDS) -> None:
        self._client = rest_client(base_url=url, timeout=seconds, limits=NO_LIMIT, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def start(self, workflow: str, key: str) -> str:
        return str((await self._call("POST", f"/workflows/{workflow}/executions", {"idempotency_key": key}))["id"])

    async def control(self, verb: str, execution_id: str) -> None:
        await self._call("POST", f"/executions/{execution_id}/{verb}", {"reason": "chaos"})

    async def signal(self, execution_id: str, name: str) -> None:
        await self._call("POST", f"/executions/{execution_id}/signal", {"name": name, "payload": "on"})

    async def execution(self, execution_id: str) -> dict[str, Any]:
        return await self._call("GET", f"/executions/{execution_id}")

    async def events(self, execution_id: str, after: int) -> dict[str, Any]:
        return await self._call("GET", f"/executions/{execution_id}/events?after={after}")

    async def definition(self, workflow: str) -> dict[str, Any]:
        return await self._call("GET", f"/workflows/{workflow}")

    async def replace(self, workflow: str, description: str) -> dict[str, Any]:
        """The definition as it is then; its tasks stay."""
        body = {"name": workflow, "key": workflow, "description": description}
        return await self._call("PUT", f"/workflows/{workflow}", body)

    async def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise Disturbed(type(error).__name__) from error
        if answer.is_success:
            return dict(answer.json())
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Disturbed("HTTP 503")
        if answer.status_code == httpx.codes.CONFLICT:
            raise Ended
        raise Wrong(f"{method} {path}: {answer.status_code} {answer.text}")


async def _read(call: Any) -> Updates:
    """Closing it ends the stream."""
    try:
        with _told_apart():
            async for update in call:
                yield update
    finally:
        call.cancel()


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
            raise Ended from error
        if error.code() in EXPECTED:
            raise Disturbed(error.code().name) from error
        raise Wrong(f"{error.code().name}: {error.details()}") from error
