"""Caches definitions in the memory of the process, for a service without Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from app.adapters.cache.notices import Notice
from app.adapters.cache.waiting import Patience
from app.definitions.ports import Content, StoredDocument, Vacancy, WriteIntent
from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref

MAX_REFS = 10_000
MAX_BYTES = 64 * 1024 * 1024
INTENT_SECONDS = 30.0
"""A write intent expires after this time, in case its writer has died."""

Announce = Callable[[Notice], Awaitable[bool]]


@dataclass(slots=True)
class _Slot:
    """The state of one ref.

    token: a reader may store the content only with this token.
    expires: when the slot ends, on the cache's clock.
    content: None until a reader has stored it.
    """

    token: bytes
    expires: float
    content: Content | None = None

    @property
    def size(self) -> int:
        return len(self.content.body) if isinstance(self.content, StoredDocument) else 0


class InProcessDefinitionCache:
    """Keeps the `MAX_REFS` refs that were used last, and at most `MAX_BYTES` of documents.

    ttl_seconds: how long an entry lives, counted from its reservation.
    announce: sends a notice to other processes and returns whether it was sent. When it is given, the cache is empty
        and stores nothing until `set_listening(True)` says that the notices of other processes arrive.
    monotonic: the clock of this cache, in seconds.
    sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        ttl_seconds: float,
        announce: Announce | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._announce = announce
        self._monotonic = monotonic
        self._patience = Patience(ttl_seconds, monotonic, sleep)
        self._listening = announce is None
        self._slots: RecentlyUsed[Ref, _Slot] = RecentlyUsed(MAX_REFS)
        self._writes: dict[Ref, dict[str, float]] = {}  # when each write intent ends, by ref and id
        self._bytes = 0
        self._tokens = count()

    async def get(self, ref: Ref) -> Content | None:
        slot = self._slots.get(ref)
        if slot is None or slot.expires <= self._monotonic():
            return None
        return slot.content

    async def reserve(self, ref: Ref) -> Content | Vacancy:
        if not self._listening or self._is_being_written(ref):
            return Vacancy(ref)
        slot = self._slots.get(ref)
        if slot is None or slot.expires <= self._monotonic():
            slot = self._vacate(ref)
        return slot.content or Vacancy(ref, slot.token)

    async def put(self, vacancy: Vacancy, content: Content) -> None:
        slot = self._slots.get(vacancy.ref)
        if slot is None or slot.token != vacancy.token:
            return
        self._bytes -= slot.size
        slot.content = content
        self._bytes += slot.size
        self._shrink()

    async def begin_write(self, refs: Collection[Ref]) -> WriteIntent:
        intent = WriteIntent(uuid4().hex, frozenset(refs))
        await self._send(Notice(intent.id, tuple(refs), is_over=False))
        return intent

    async def release(self, intent: WriteIntent) -> None:
        await self._send(Notice(intent.id, tuple(intent.refs), is_over=True))

    async def invalidate(self, intent: WriteIntent, refs: Collection[Ref]) -> None:
        """Invalidate here and, by a notice, in other processes. Wait until their entries expire if none can be sent."""
        notice = Notice(intent.id, tuple({*intent.refs, *refs}), is_over=True)
        await self._patience.until(lambda: self._send(notice))

    async def is_reachable(self) -> bool:
        """False while changes by other processes could be missed."""
        return self._listening

    def receive(self, notice: Notice) -> None:
        """Apply a notice that a write has begun or is over, in this process or in another one."""
        for ref in notice.refs:
            self._remove(ref)
            if notice.is_over:
                self._end_write(ref, notice.write_id)
            else:
                self._writes.setdefault(ref, {})[notice.write_id] = self._monotonic() + INTENT_SECONDS

    def set_listening(self, listening: bool) -> None:
        """Set whether the notices of other processes arrive from now on. Clears the cache in both cases."""
        self._listening = listening
        self._slots.clear()
        self._bytes = 0

    async def _send(self, notice: Notice) -> bool:
        self.receive(notice)
        return self._announce is None or await self._announce(notice)

    def _is_being_written(self, ref: Ref) -> bool:
        now = self._monotonic()
        for write_id, expires in list(self._writes.get(ref, {}).items()):
            if expires <= now:
                self._end_write(ref, write_id)
        return ref in self._writes

    def _end_write(self, ref: Ref, write_id: str) -> None:
        writes = self._writes.get(ref, {})
        writes.pop(write_id, None)
        if not writes:
            self._writes.pop(ref, None)

    def _vacate(self, ref: Ref) -> _Slot:
        self._remove(ref)
        slot = _Slot(b"%d" % next(self._tokens), self._monotonic() + self._ttl_seconds)
        gone = self._slots.put(ref, slot)
        self._bytes -= 0 if gone is None else gone.size
        return slot

    def _remove(self, ref: Ref) -> None:
        slot = self._slots.pop(ref)
        self._bytes -= 0 if slot is None else slot.size

    def _shrink(self) -> None:
        while self._bytes > MAX_BYTES:
            self._bytes -= self._slots.pop_oldest().size
