"""Definitions in this process's memory: the cache of a service that has no Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from app.adapters.cache.notices import Notice
from app.adapters.cache.waiting import Patience
from app.definitions.ports import Content, Mark, StoredDocument, Vacancy
from app.domain.recently_used import RecentlyUsed

MAX_REFS = 10_000
MAX_BYTES = 64 * 1024 * 1024
MARK_SECONDS = 30.0

Announce = Callable[[Notice], Awaitable[bool]]


@dataclass(slots=True)
class _Slot:
    """What is known of one ref: the token that a filler must show, and the content once one has."""

    token: bytes
    expires: float
    content: Content | None = None

    @property
    def size(self) -> int:
        return len(self.content.body) if isinstance(self.content, StoredDocument) else 0


class InProcessDefinitionCache:
    """The `MAX_REFS` refs asked for last, at most `MAX_BYTES` of documents, each for `ttl_seconds` from when it was
    reserved.

    With an `announce`, which tells other processes of a change and answers whether it could, the cache serves nothing
    before `listen(True)` says that theirs are heard here, and nothing from before it.
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
        self._slots: RecentlyUsed[str, _Slot] = RecentlyUsed(MAX_REFS)
        self._marks: dict[str, dict[str, float]] = {}
        self._bytes = 0
        self._tokens = count()

    async def get(self, ref: str) -> Content | None:
        slot = self._slots.get(ref)
        if slot is None or slot.expires <= self._monotonic():
            return None
        return slot.content

    async def reserve(self, ref: str) -> Content | Vacancy:
        if not self._listening or self._is_marked(ref):
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

    async def mark(self, refs: Sequence[str]) -> Mark:
        mark = Mark(uuid4().hex, frozenset(refs))
        await self._tell(Notice(mark.id, tuple(refs), is_over=False))
        return mark

    async def release(self, mark: Mark) -> None:
        await self._tell(Notice(mark.id, tuple(mark.refs), is_over=True))

    async def invalidate(self, mark: Mark, refs: Sequence[str]) -> None:
        """Other processes that listen hear of it at once. Where they cannot be told, wait until their entries end."""
        notice = Notice(mark.id, tuple({*mark.refs, *refs}), is_over=True)
        await self._patience.until(lambda: self._tell(notice))

    def hear(self, notice: Notice) -> None:
        """A change, begun or over, here or in another process."""
        for ref in notice.refs:
            self._remove(ref)
            if notice.is_over:
                self._unmark(ref, notice.mark_id)
            else:
                self._marks.setdefault(ref, {})[notice.mark_id] = self._monotonic() + MARK_SECONDS

    def listen(self, listening: bool) -> None:
        """Whether other processes' changes are heard from now on."""
        self._listening = listening
        self._slots.clear()
        self._bytes = 0

    async def _tell(self, notice: Notice) -> bool:
        self.hear(notice)
        return self._announce is None or await self._announce(notice)

    def _is_marked(self, ref: str) -> bool:
        now = self._monotonic()
        for mark_id, expires in list(self._marks.get(ref, {}).items()):
            if expires <= now:
                self._unmark(ref, mark_id)
        return ref in self._marks

    def _unmark(self, ref: str, mark_id: str) -> None:
        marks = self._marks.get(ref, {})
        marks.pop(mark_id, None)
        if not marks:
            self._marks.pop(ref, None)

    def _vacate(self, ref: str) -> _Slot:
        self._remove(ref)
        slot = _Slot(b"%d" % next(self._tokens), self._monotonic() + self._ttl_seconds)
        gone = self._slots.put(ref, slot)
        self._bytes -= 0 if gone is None else gone.size
        return slot

    def _remove(self, ref: str) -> None:
        slot = self._slots.pop(ref)
        self._bytes -= 0 if slot is None else slot.size

    def _shrink(self) -> None:
        while self._bytes > MAX_BYTES:
            self._bytes -= self._slots.pop_oldest().size
