"""Definitions in this process's memory: the cache of a service that has no Redis."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from app.definitions.ports import StoredDocument, Vacancy

MAX_REFS = 10_000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class _Slot:
    """What is known of one ref: the token that a filler must show, and the document once one has."""

    token: bytes
    expires: float
    document: StoredDocument | None = None

    @property
    def size(self) -> int:
        return 0 if self.document is None else len(self.document.body)


class InProcessDefinitionCache:
    """The `MAX_REFS` refs asked for last, at most `MAX_BYTES` of documents, each for `ttl_seconds`.

    Changes made by other processes show when an entry expires, or when they are passed on to `invalidate`.
    """

    def __init__(self, ttl_seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._bytes = 0
        self._tokens = count()

    async def get(self, ref: str) -> StoredDocument | Vacancy:
        slot = self._slots.get(ref)
        if slot is None or slot.expires <= self._monotonic():
            slot = self._vacate(ref)
        self._slots.move_to_end(ref)
        return slot.document or Vacancy(ref, slot.token)

    async def put(self, vacancy: Vacancy, document: StoredDocument) -> None:
        slot = self._slots.get(vacancy.ref)
        if slot is None or slot.token != vacancy.token:
            return
        self._bytes -= slot.size
        slot.document, slot.expires = document, self._monotonic() + self._ttl_seconds
        self._bytes += slot.size
        self._shrink()

    async def invalidate(self, refs: Sequence[str]) -> None:
        for ref in refs:
            self._remove(ref)

    def _vacate(self, ref: str) -> _Slot:
        self._remove(ref)
        slot = _Slot(b"%d" % next(self._tokens), self._monotonic() + self._ttl_seconds)
        self._slots[ref] = slot
        self._shrink()
        return slot

    def _remove(self, ref: str) -> None:
        slot = self._slots.pop(ref, None)
        self._bytes -= 0 if slot is None else slot.size

    def _shrink(self) -> None:
        while len(self._slots) > MAX_REFS or self._bytes > MAX_BYTES:
            _, slot = self._slots.popitem(last=False)
            self._bytes -= slot.size
