"""Real clients in numbers: some only start, some watch to the end, some vanish, some stall, some steer."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.chaos_house import SIGNALLED, WORKFLOWS

CALL_SECONDS = 5.0
TRY_AGAIN_SECONDS = 0.1
RESUME_EVERY_SECONDS = 1.0
RECONNECT = (("grpc.min_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))
FINAL = {pb.COMPLETED, pb.FAILED, pb.CANCELLED}
# What a client of a service under attack has to live with. Anything else is a defect.
EXPECTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


class Load:
    """`accepted` maps each idempotency key to the execution's id; `wrong` says what no client may ever see."""

    def __init__(self, ports: Sequence[int], seed: int, starts_per_second: float) -> None:
        self._channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=RECONNECT) for port in ports]
        self._stubs: list[Any] = [WorkflowServiceStub(channel) for channel in self._channels]
        self._random = random.Random(f"load {seed}")
        self._interval = 1 / starts_per_second
        self._clients: dict[asyncio.Task[None], str] = {}
        self._kinds = {
            self._only_start: 55,
            self._watch: 23,
            self._vanish: 8,
            self._stall: 4,
            self._cancel: 3,
            self._pause: 3,
            self._signal: 4,
        }
        self.started = 0
        self.accepted: dict[str, str] = {}
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Start one client after the other, at the given rate whatever becomes of them; until cancelled."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            self._start_client()
            due += self._interval
            await asyncio.sleep(max(due - clock(), 0))

    async def finish(self, seconds: float) -> None:
        """Wait for all clients; those that do not end in time are reported."""
        if self._clients:
            await asyncio.wait(self._clients, timeout=seconds)
        for client, key in self._clients.items():
            client.cancel()
            what = "its watcher waits" if key in self.accepted else "it was never accepted"
            self.wrong.append(f"{key} ({self.accepted.get(key)}): {what} after {seconds:g} seconds")
        await asyncio.gather(*self._clients, return_exceptions=True)
        for channel in self._channels:
            await channel.close()

    def _start_client(self) -> None:
        self.started += 1
        key = f"chaos-{self.started}"
        (kind,) = self._random.choices(list(self._kinds), list(self._kinds.values()))
        (chosen,) = self._random.choices(WORKFLOWS, (6, 2, 1, 1))
        client = asyncio.create_task(kind(SIGNALLED if kind == self._signal else str(chosen.key), key))
        self._clients[client] = key
        client.add_done_callback(self._client_ended)

    def _client_ended(self, client: asyncio.Task[None]) -> None:
        key = self._clients.pop(client)
        if not client.cancelled() and (error := client.exception()) is not None:
            self.wrong.append(f"{key}: {error!r}")

    # Kinds of clients

    async def _only_start(self, workflow: str, key: str) -> None:
        request = pb.StartWorkflowRequest(workflow_id=workflow, idempotency_key=key)
        while key not in self.accepted:
            try:
                answer = await self._stub().StartWorkflow(request, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                await self._live_with(key, error)
            else:
                self._accept(key, answer.execution_id)

    async def _watch(self, workflow: str, key: str) -> None:
        await self._read(workflow, key)

    async def _stall(self, workflow: str, key: str) -> None:
        await self._read(workflow, key, stalls_after=self._random.randint(1, 6))

    async def _vanish(self, workflow: str, key: str) -> None:
        """Gone in the middle of the stream; but only after it has seen that its start was accepted."""
        await self._read(workflow, key, leaves_after=self._random.randint(1, 6))

    async def _cancel(self, workflow: str, key: str) -> None:
        await self._only_start(workflow, key)
        await self._control(key, "Cancel", reason="chaos")

    async def _signal(self, workflow: str, key: str) -> None:
        await self._only_start(workflow, key)
        await asyncio.sleep(self._random.uniform(0, 2))
        await self._control(key, "Signal", name="go", payload='"on"')
        await self._read(workflow, key)

    async def _pause(self, workflow: str, key: str) -> None:
        """Resumes again and again: a pause whose answer was lost may arrive late."""
        await self._only_start(workflow, key)
        await self._control(key, "Pause", reason="chaos")
        watching = asyncio.create_task(self._read(workflow, key))
        try:
            while not (await asyncio.wait({watching}, timeout=RESUME_EVERY_SECONDS))[0]:
                await self._control(key, "Resume", reason="chaos")
            await watching
        finally:
            watching.cancel()

    async def _control(self, key: str, verb: str, **fields: str) -> None:
        """Until it is answered; an execution that has ended refuses, and so may one that is not paused."""
        request = getattr(pb, f"{verb}ExecutionRequest")(execution_id=self.accepted[key], **fields)
        while True:
            try:
                await getattr(self._stub(), f"{verb}Execution")(request, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    return
                await self._live_with(key, error)
            else:
                return

    # Streams

    async def _read(self, workflow: str, key: str, leaves_after: int = 0, stalls_after: int = 0) -> None:
        """To the end, through as many streams as it takes, from where the one before broke off."""
        seen, status = 0, pb.PENDING
        while status not in FINAL:
            try:
                call = self._open(workflow, key, seen)
                async for update in call:
                    self._accept(key, update.execution_id)
                    if update.sequence != seen + 1 or status in FINAL:
                        self.wrong.append(f"{key} ({update.execution_id}): update {update.sequence} follows {seen}")
                    seen, status = update.sequence, update.status
                    if seen == leaves_after:
                        call.cancel()
                        return
                    if seen == stalls_after:
                        await asyncio.sleep(self._random.uniform(0.5, 3))
            except grpc.aio.AioRpcError as error:
                await self._live_with(key, error)

    def _open(self, workflow: str, key: str, seen: int) -> Any:
        if (execution_id := self.accepted.get(key)) is None:
            request = pb.ExecuteWorkflowRequest(workflow_id=workflow, idempotency_key=key)
            return self._stub().ExecuteWorkflow(request)
        return self._stub().WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=seen))

    def _stub(self) -> Any:
        return self._random.choice(self._stubs)

    def _accept(self, key: str, execution_id: str) -> None:
        if self.accepted.setdefault(key, execution_id) != execution_id:
            self.wrong.append(f"{key} started twice: {self.accepted[key]} and {execution_id}")

    async def _live_with(self, key: str, error: grpc.aio.AioRpcError) -> None:
        self.errors[error.code().name] += 1
        if error.code() not in EXPECTED:
            self.wrong.append(f"{key}: {error.code().name}: {error.details()}")
        await asyncio.sleep(TRY_AGAIN_SECONDS)
