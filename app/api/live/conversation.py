"""What a caller says over a socket, and what follows from it."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from app.api.live.broadcast import Broadcast
from app.api.live.broadcasts import Broadcasts
from app.api.live.channels import Channel, Kind
from app.api.live.directory import Directory
from app.api.live.frames import PONG, SUBSCRIBED, UNSUBSCRIBED, Refusal, message, refusal_of, refused
from app.api.live.limits import SocketLimits
from app.api.live.messages import ALL, NEWEST, Auth, Message, Ping, Subscribe, Unsubscribe
from app.api.live.outbox import Outbox
from app.api.live.subscription import Batches, Subscription
from app.background.backoff import Backoff
from app.domain.callers import Caller
from app.domain.errors import Invalid, ServiceError, Unavailable
from app.engine.service import ExecutionService
from app.feed.entries import AnyUpdate
from app.feed.service import FeedService
from app.identity.identity import Identity
from app.machines.watching import EntityWatching

log = structlog.get_logger(__name__)

AGAIN = Backoff(first_seconds=0.5, longest_seconds=5.0)


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What sockets need of the process.

    directory: finds channels.
    broadcasts: send what is new.
    feed: what was before, of many executions.
    executions: what was before, of one execution.
    entities: what was before, of one entity.
    identity: who calls, and may they.
    limits: those of each socket.
    """

    directory: Directory
    broadcasts: Broadcasts
    feed: FeedService
    executions: ExecutionService
    entities: EntityWatching
    identity: Identity
    limits: SocketLimits = field(default_factory=SocketLimits)


class Conversation:
    """The subscriptions of one socket.

    caller: who calls.
    parts: what sockets need of the process.
    outbox: what waits for the client.
    """

    def __init__(self, caller: Caller, parts: LiveParts, outbox: Outbox) -> None:
        self._caller = caller
        self._parts = parts
        self._outbox = outbox
        self._broadcast: Broadcast | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._replays: dict[str, asyncio.Task[None]] = {}

    async def answer(self, said: Message) -> None:
        """Raise `Refusal` or `ServiceError` for what cannot be done."""
        match said:
            case Subscribe():
                await self._subscribe(said)
            case Unsubscribe():
                self._unsubscribe(said.channel)
            case Ping():
                self._outbox.reply(message(PONG, None, {}))
            case Auth():
                # Without AUTH=on everyone may call, and the same clients can be used.
                if self._parts.identity.admission.is_on:
                    raise Refusal("already_authenticated", "it is known who calls; open another socket for another key")

    def close(self) -> None:
        """Follow nothing more."""
        self._end(list(self._subscriptions))
        if self._broadcast is not None:
            self._parts.broadcasts.release(self._caller.tenant_id, self)

    async def _subscribe(self, said: Subscribe) -> None:
        most = self._parts.limits.channels
        if said.channel not in self._subscriptions and len(self._subscriptions) >= most:
            raise Refusal("too_many_channels", f"a socket follows {most} channels at most", said.channel)
        channel = await self._parts.directory.channel(self._caller, said.channel)
        broadcast = await self._following()
        first = None if said.after is None else await self._opened(channel, said.after)
        self._end([said.channel])
        every = channel.is_history or said.mode == ALL
        after = said.after
        if after is None and not channel.is_history:
            after = broadcast.through
        told = {"after": after, "mode": ALL if every else NEWEST}
        self._outbox.reply(message(SUBSCRIBED, said.channel, told))
        subscription = Subscription(channel, broadcast, self._outbox, after or 0, self._end, every=every)
        self._begin(subscription, first, is_replay=said.after is not None)

    async def _following(self) -> Broadcast:
        if self._broadcast is None:
            self._broadcast = self._parts.broadcasts.hold(self._caller, self)
        await self._broadcast.begin()
        return self._broadcast

    async def _opened(self, channel: Channel, after: int) -> Batches | None:
        """The feed behind a position. Raise an error for a number that the channel has not."""
        if not channel.is_history:
            return await self._parts.feed.watch(self._caller, after, channel.replayed)
        if after > 0 and not await self._read(channel, after - 1, 1):
            raise Invalid.at("after", f"{after} is beyond the history, which has fewer events")
        return None

    def _begin(self, subscription: Subscription, first: Batches | None, *, is_replay: bool) -> None:
        name = subscription.channel.name
        self._subscriptions[name] = subscription
        if not is_replay:
            subscription.join()
            return
        replaying = self._replay(subscription, first) if first is not None else self._replay_history(subscription)
        task = self._replays[name] = asyncio.create_task(self._told(name, replaying), name=f"replay of {name}")
        task.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: str, done: "asyncio.Task[None]") -> None:
        if self._replays.get(name) is done:
            del self._replays[name]

    def _unsubscribe(self, name: str) -> None:
        if name not in self._subscriptions:
            raise Refusal("not_subscribed", f"channel {name!r} is not followed", name)
        self._end([name])
        self._outbox.reply(message(UNSUBSCRIBED, name, {}))

    def _end(self, names: Sequence[str] | Mapping[str, int | None]) -> None:
        for name in names:
            if (subscription := self._subscriptions.pop(name, None)) is not None:
                subscription.leave()
            if (replay := self._replays.pop(name, None)) is not None:
                replay.cancel()

    async def _replay(self, subscription: Subscription, first: Batches) -> None:
        batches: Batches | None = first
        failures = 0
        while True:
            try:
                wanted = subscription.channel.replayed
                await subscription.replay(
                    batches or await self._parts.feed.watch(self._caller, subscription.after, wanted)
                )
            except Unavailable:
                batches, failures = None, failures + 1
                await asyncio.sleep(AGAIN.pause(failures))
            else:
                return

    async def _replay_history(self, subscription: Subscription) -> None:
        failures = 0

        async def read(after: int, limit: int) -> Sequence[AnyUpdate]:
            nonlocal failures
            while True:
                try:
                    found = await self._read(subscription.channel, after, limit)
                except Unavailable:
                    failures += 1
                    await asyncio.sleep(AGAIN.pause(failures))
                else:
                    failures = 0
                    return found

        await subscription.replay_history(read)

    async def _read(self, channel: Channel, after: int, limit: int) -> Sequence[AnyUpdate]:
        assert not isinstance(channel.id, int | None)
        if channel.kind is Kind.ENTITY:
            return (await self._parts.entities.page(self._caller, channel.id, after, limit)).updates
        return (await self._parts.executions.updates(self._caller, channel.id, after, limit)).updates

    async def _told(self, name: str, replaying: Coroutine[Any, Any, None]) -> None:
        """Replay. A failure ends the subscription, and the client gets the reason."""
        try:
            await replaying
        except ServiceError as error:
            self._fail(name, refusal_of(error, name))
        except Exception:
            log.exception("replay_failed", channel=name)
            self._fail(name, Refusal("internal", "an unexpected error; the server's log has the details", name))

    def _fail(self, name: str, refusal: Refusal) -> None:
        self._outbox.reply(refused(refusal))
        if (subscription := self._subscriptions.pop(name, None)) is not None:
            subscription.leave()
