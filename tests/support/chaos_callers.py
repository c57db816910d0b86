"""The two protocols as the load speaks them: a call is answered, or it fails in one of three ways."""

import random
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import grpc
import httpx

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.chaos_tenants import ChaosTenant
from tests.support.clients import grpc_channel, rest_client
from tests.support.event_source import EventSource

CALL_SECONDS = 5.0
LISTED = 20
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


class Absent(Wrong):
    """It does not exist: right for what another tenant has, and for nothing else."""


class Listed(NamedTuple):
    execution_id: str
    workflow_id: int


class FeedPart(NamedTuple):
    """`events` are position, execution id and sequence of each event of an execution."""

    events: Sequence[tuple[int, str, int]]
    next_position: int


class Caller(Protocol):
    async def start(self, workflow: str, key: str) -> str:
        """The execution's id."""

    async def control(self, verb: str, execution_id: str) -> None: ...

    async def signal(self, execution_id: str, name: str) -> None: ...

    async def retry(self, execution_id: str) -> None: ...

    async def look(self, execution_id: str) -> None: ...

    async def newest(self) -> Sequence[Listed]:
        """The newest executions, children among them."""


class GrpcCaller:
    """`seconds` is how long each call may take; `credential` is as for `grpc_channel`."""

    def __init__(self, port: int, seconds: float = CALL_SECONDS, credential: str | None = None) -> None:
        self._seconds = seconds
        self._channel = grpc_channel(f"127.0.0.1:{port}", RECONNECT, credential)
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

    async def retry(self, execution_id: str) -> None:
        await self._call("RetryExecution", pb.RetryExecutionRequest(execution_id=execution_id))

    async def look(self, execution_id: str) -> None:
        await self._call("GetWorkflowStatus", pb.GetWorkflowStatusRequest(execution_id=execution_id))

    async def newest(self) -> Sequence[Listed]:
        page = await self._call("ListExecutions", pb.ListExecutionsRequest(page_size=LISTED))
        return [Listed(found.execution_id, int(found.workflow_id)) for found in page.executions]

    def execute(self, workflow: str, key: str) -> Updates:
        return _read(self._stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id=workflow, idempotency_key=key)))

    def watch(self, execution_id: str, after: int) -> Updates:
        request = pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after)
        return _read(self._stub.WatchExecution(request))

    async def feed(self, after: int) -> AsyncGenerator[FeedPart]:
        batches = _read(self._stub.WatchEvents(pb.WatchEventsRequest(after_position=after)))
        async with aclosing(batches):
            async for batch in batches:
                events = [
                    (e.position, e.update.execution_id, e.update.sequence) for e in batch.events if _is_of_execution(e)
                ]
                yield FeedPart(events, batch.next_position)

    async def _call(self, method: str, request: Any) -> Any:
        with _told_apart():
            return await getattr(self._stub, method)(request, timeout=self._seconds)


def _is_of_execution(event: pb.FeedEvent) -> bool:
    return bool(event.update.execution_id)


class RestCaller:
    """`seconds` is how long each call may take; `credential` is as for `rest_client`."""

    def __init__(self, url: str, seconds: float = CALL_SECONDS, credential: str | None = None) -> None:
        self._client = rest_client(credential, base_url=url, timeout=seconds, limits=NO_LIMIT, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def start(self, workflow: str, key: str) -> str:
        return str((await self._call("POST", f"/workflows/{workflow}/executions", {"idempotency_key": key}))["id"])

    async def control(self, verb: str, execution_id: str) -> None:
        await self._call("POST", f"/executions/{execution_id}/{verb}", {"reason": "chaos"})

    async def signal(self, execution_id: str, name: str) -> None:
        await self._call("POST", f"/executions/{execution_id}/signal", {"name": name, "payload": "on"})

    async def retry(self, execution_id: str) -> None:
        await self._call("POST", f"/executions/{execution_id}/retry", {})

    async def look(self, execution_id: str) -> None:
        await self.execution(execution_id)

    async def feed(self, after: int) -> AsyncGenerator[FeedPart]:
        """The stream has no end: it is given up, as by a proxy, when nothing at all comes for a while."""
        source = EventSource(self._client, "/events", last_id=str(after))
        try:
            async with source.connected() as sents:
                _refuse_unless_open(source.statuses[-1])
                async for sent in sents:
                    if sent.name != "message":
                        raise Wrong(f"{sent.name}: {sent.data}")
                    found = sent.data
                    is_of_execution = "entity_id" not in found
                    events = [(found["position"], found["execution_id"], found["sequence"])] if is_of_execution else []
                    yield FeedPart(events, int(sent.id))
        except httpx.TransportError as error:
            raise Disturbed(type(error).__name__) from error

    async def newest(self) -> Sequence[Listed]:
        return (await self.page(LISTED))[0]

    async def page(self, limit: int, cursor: str | None = None) -> tuple[Sequence[Listed], str | None]:
        """Executions, newest first, and the cursor of the next page; None after the last."""
        page = await self._call("GET", f"/executions?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        return [Listed(found["id"], int(found["workflow_id"])) for found in page["items"]], page["next_cursor"]

    async def workflows(self) -> Sequence[dict[str, Any]]:
        return list((await self._call("GET", "/workflows"))["items"])

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

    async def describe(self, workflow: str, description: str) -> dict[str, Any]:
        return await self._call("PATCH", f"/workflows/{workflow}", {"description": description})

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
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise Absent(f"{method} {path}: {answer.text}")
        raise Wrong(f"{method} {path}: {answer.status_code} {answer.text}")


@dataclass(frozen=True, slots=True)
class TenantCallers:
    """The callers of one tenant, one for each process."""

    tenant: ChaosTenant
    grpc: Sequence[GrpcCaller]
    rest: Sequence[RestCaller]

    def anyone(self, dice: random.Random) -> Caller:
        return dice.choice(dice.choice((self.grpc, self.rest)))

    def a_grpc(self, dice: random.Random) -> GrpcCaller:
        return dice.choice(self.grpc)

    def a_rest(self, dice: random.Random) -> RestCaller:
        return dice.choice(self.rest)

    async def close(self) -> None:
        for caller in (*self.grpc, *self.rest):
            await caller.close()


def _refuse_unless_open(status: int) -> None:
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        raise Disturbed("HTTP 503")
    if status != httpx.codes.OK:
        raise Wrong(f"a stream of the feed was answered with {status}")


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
        if error.code() is grpc.StatusCode.NOT_FOUND:
            raise Absent(error.details()) from error
        raise Wrong(f"{error.code().name}: {error.details()}") from error
