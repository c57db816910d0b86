"""Real clients in numbers: some only start, some watch to the end, some vanish, some stall, some steer."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.chaos_callers import Caller, Disturbed, Ended, RestCaller, TenantCallers, Updates, Wrong
from tests.support.chaos_tenants import StartKey
from tests.support.chaos_workflows import SIGNALLED, WEIGHTS, WORKFLOWS

TRY_AGAIN_SECONDS = 0.1
MOST_DOUBLINGS = 4
PATIENCE_SECONDS = 60.0
RESUME_EVERY_SECONDS = 1.0
POLL_SECONDS = 0.5
FINAL = {pb.COMPLETED, pb.FAILED, pb.CANCELLED}
FINAL_WORDS = {"completed", "failed", "cancelled"}

Answer = TypeVar("Answer")


class Load:
    """`accepted` maps each tenant's idempotency key to the execution's id; `wrong` says what no client may ever see.

    The tenants start in turn, each with the same idempotency keys. Whatever both protocols can do is asked over either,
    and asked again over either when the answer was lost.
    """

    def __init__(self, callers: Sequence[TenantCallers], seed: int, starts_per_second: float, clients: int) -> None:
        self._callers = {of.tenant.name: of for of in callers}
        self._random = random.Random(f"load {seed}")
        self._interval = 1 / starts_per_second
        self._most_clients = clients
        self._clients: dict[asyncio.Task[None], StartKey] = {}
        self._kinds = {
            self._only_start: 42,
            self._watch: 23,
            self._poll: 10,
            self._vanish: 8,
            self._stall: 4,
            self._cancel: 6,
            self._pause: 3,
            self._signal: 4,
        }
        self._troubles: Counter[StartKey] = Counter()
        self.started = 0
        self.accepted: dict[StartKey, str] = {}
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Start one client after the other, at most at the given rate, while there are not too many; until cancelled.

        So the load is what the machine carries. The clients share one processor with the proxies: with as many as a
        slow machine lets gather, engines would lose their leases to the load alone.
        """
        while True:
            if len(self._clients) < self._most_clients:
                self._start_client()
            await asyncio.sleep(self._interval)

    async def finish(self) -> None:
        """Wait for all clients, as long as one after the other ends; those that are left then are reported."""
        while self._clients:
            ended, _ = await asyncio.wait(self._clients, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not ended:
                break
        for client, key in self._clients.items():
            client.cancel()
            what = "its client waits" if key in self.accepted else "it was never accepted"
            self.wrong.append(f"{key} ({self.accepted.get(key)}): {what}, and nothing happens")
        await asyncio.gather(*self._clients, return_exceptions=True)

    def _start_client(self) -> None:
        turn, number = divmod(self.started, len(self._callers))
        key = StartKey(list(self._callers)[number], f"chaos-{turn}")
        self.started += 1
        (kind,) = self._random.choices(list(self._kinds), list(self._kinds.values()))
        (chosen,) = self._random.choices(WORKFLOWS, WEIGHTS)
        workflow = SIGNALLED if kind == self._signal else chosen
        client = asyncio.create_task(kind(str(workflow.key), key))
        self._clients[client] = key
        client.add_done_callback(self._client_ended)

    def _client_ended(self, client: asyncio.Task[None]) -> None:
        key = self._clients.pop(client)
        del self._troubles[key]
        if not client.cancelled() and (error := client.exception()) is not None:
            self.wrong.append(f"{key}: {error!r}")

    # Kinds of clients

    async def _only_start(self, workflow: str, key: StartKey) -> None:
        self._accept(key, await self._insist(key, lambda: self._anyone(key).start(workflow, key.text)))

    async def _watch(self, workflow: str, key: StartKey) -> None:
        await self._read(workflow, key)

    async def _stall(self, workflow: str, key: StartKey) -> None:
        await self._read(workflow, key, stalls_after=self._random.randint(1, 6))

    async def _vanish(self, workflow: str, key: StartKey) -> None:
        """Gone in the middle of the stream; but only after it has seen that its start was accepted."""
        await self._read(workflow, key, leaves_after=self._random.randint(1, 6))

    async def _poll(self, workflow: str, key: StartKey) -> None:
        """Reads the history over REST, page by page, until it has ended, and then the execution."""
        await self._only_start(workflow, key)
        execution_id, seen, status, ended = self.accepted[key], 0, "", False
        while not ended:
            page = await self._insist(key, lambda after=seen: self._a_rest(key).events(execution_id, after))
            for event in page["items"]:
                self._follows(key, seen, event["sequence"])
                seen, status = event["sequence"], event["status"]
            ended = page["ended"]
            await asyncio.sleep(POLL_SECONDS)
        document = await self._insist(key, lambda: self._a_rest(key).execution(execution_id))
        if document["status"] != status or status not in FINAL_WORDS:
            self.wrong.append(f"{key} ({execution_id}): {document['status']} after its history ended as {status}")

    async def _cancel(self, workflow: str, key: StartKey) -> None:
        await self._only_start(workflow, key)
        await self._control("cancel", key)

    async def _signal(self, workflow: str, key: StartKey) -> None:
        await self._only_start(workflow, key)
        await asyncio.sleep(self._random.uniform(0, 2))
        await self._steer(key, lambda: self._anyone(key).signal(self.accepted[key], "go"))
        await self._read(workflow, key)

    async def _pause(self, workflow: str, key: StartKey) -> None:
        """Resumes again and again: a pause whose answer was lost may arrive late."""
        await self._only_start(workflow, key)
        await self._control("pause", key)
        watching = asyncio.create_task(self._read(workflow, key))
        try:
            while not (await asyncio.wait({watching}, timeout=RESUME_EVERY_SECONDS))[0]:
                await self._control("resume", key)
            await watching
        finally:
            watching.cancel()

    async def _control(self, verb: str, key: StartKey) -> None:
        await self._steer(key, lambda: self._anyone(key).control(verb, self.accepted[key]))

    # Streams

    async def _read(self, workflow: str, key: StartKey, leaves_after: int = 0, stalls_after: int = 0) -> None:
        """To the end, through as many streams as it takes, from where the one before broke off."""
        seen, status = 0, pb.PENDING
        while status not in FINAL:
            try:
                async with aclosing(self._open(workflow, key, seen)) as updates:
                    async for update in updates:
                        self._accept(key, update.execution_id)
                        self._follows(key, seen, update.sequence, ended=status in FINAL)
                        seen, status = update.sequence, update.status
                        if seen == leaves_after:
                            return
                        if seen == stalls_after:
                            await asyncio.sleep(self._random.uniform(0.5, 3))
            except (Disturbed, Ended, Wrong) as error:
                await self._live_with(key, error)

    def _open(self, workflow: str, key: StartKey, seen: int) -> Updates:
        caller = self._callers[key.tenant].a_grpc(self._random)
        if (execution_id := self.accepted.get(key)) is None:
            return caller.execute(workflow, key.text)
        return caller.watch(execution_id, seen)

    def _follows(self, key: StartKey, before: int, sequence: int, *, ended: bool = False) -> None:
        if sequence != before + 1 or ended:
            self.wrong.append(f"{key} ({self.accepted[key]}): update {sequence} follows {before}")

    # Calls

    def _anyone(self, key: StartKey) -> Caller:
        return self._callers[key.tenant].anyone(self._random)

    def _a_rest(self, key: StartKey) -> RestCaller:
        return self._callers[key.tenant].a_rest(self._random)

    def _accept(self, key: StartKey, execution_id: str) -> None:
        if self.accepted.setdefault(key, execution_id) != execution_id:
            self.wrong.append(f"{key} started twice: {self.accepted[key]} and {execution_id}")

    async def _insist(self, key: StartKey, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Until it is answered."""
        while True:
            try:
                return await call()
            except (Disturbed, Ended, Wrong) as error:
                await self._live_with(key, error)

    async def _steer(self, key: StartKey, call: Callable[[], Awaitable[None]]) -> None:
        """Until it is answered; an execution that has ended refuses, and so may one that is not paused."""
        while True:
            try:
                return await call()
            except Ended:
                return None
            except (Disturbed, Wrong) as error:
                await self._live_with(key, error)

    async def _live_with(self, key: StartKey, error: Disturbed | Ended | Wrong) -> None:
        if isinstance(error, Disturbed):
            self.errors[str(error)] += 1
        else:
            self.wrong.append(f"{key}: {error!r}")
        await asyncio.sleep(TRY_AGAIN_SECONDS * 2 ** min(self._troubles[key], MOST_DOUBLINGS))
        self._troubles[key] += 1
