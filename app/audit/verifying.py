"""Follows a chain from its first entry on, and finds the first one that is not what was written. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.audit.chain import EMPTY, body_of, hash_of
from app.audit.entry import Head, Link

NEARBY = 1_000
"""How far from its place an entry is looked for that stands in a wrong one."""


class Flaw(StrEnum):
    """What is wrong with an entry.

    EDITED: its contents are not those that were written.
    MISSING: it was deleted.
    INSERTED: it was added later, between others or after the last one.
    MOVED: it stands where another one was.
    HEAD: it is the last one, but not the one that the head row names.
    ANCHOR: it is not the one that an anchor names, so the chain was written anew.
    """

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    MOVED = "moved"
    HEAD = "head"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first wrong entry of a chain.

    number: its number, or the number that it should have.
    flaw: what is wrong with it.
    sentence: the same for people.
    """

    number: int
    flaw: Flaw
    sentence: str


class Verifier:
    """Takes the links of one tenant in the order of their numbers.

    anchors: hashes that were noted earlier, by number.
    """

    def __init__(self, anchors: Mapping[int, bytes] | None = None) -> None:
        self._anchors = anchors or {}
        self._before = self._last = EMPTY

    @property
    def last(self) -> Head:
        """The last link that was taken."""
        return self._last

    def take(self, links: Iterable[Link]) -> Finding | None:
        """What is wrong with the first wrong one of these; None if none is."""
        for link in links:
            if (found := self._flaw(link)) is not None:
                return found
            self._before, self._last = self._last, Head(link.number, link.hash)
        return None

    def end(self, head: Head | None) -> Finding | None:
        """What is wrong with the end of the chain. All links up to `head` were taken."""
        last = self._last
        if head is None:
            return Finding(last.number, Flaw.HEAD, "the head row of the tenant is missing")
        if head.number > last.number:
            return _missing(last.number + 1, f"the head row says that there are {head.number}")
        if head.number < last.number:
            number = head.number + 1
            return Finding(number, Flaw.INSERTED, f"entry {number} was added after the last one, {head.number}")
        if head.hash != last.hash:
            return Finding(last.number, Flaw.HEAD, f"entry {last.number} is not the one that the head row names")
        unseen = [number for number in self._anchors if number > last.number]
        return _missing(last.number + 1, f"there is an anchor for entry {min(unseen)}") if unseen else None

    def _flaw(self, link: Link) -> Finding | None:
        number, last = link.number, self._last
        if number != last.number + 1:
            return _missing(last.number + 1, f"entry {last.number} is followed by {number}")
        if hash_of(link.prev, number, link.at, body_of(link.entry)) != link.hash:
            return self._wrong_hash(link)
        if link.prev != last.hash:
            return self._wrong_prev(link)
        if self._anchors.get(number, link.hash) != link.hash:
            return Finding(number, Flaw.ANCHOR, f"entry {number} has another hash than its anchor")
        return None

    def _wrong_hash(self, link: Link) -> Finding:
        number, last = link.number, self._last
        written_as = None if link.prev == last.hash else _own_number(link)
        if written_as is None:
            return Finding(number, Flaw.EDITED, f"entry {number} was edited: its contents do not give its hash")
        if written_as == last.number and link.prev == self._before.hash:
            sentence = f"entry {last.number} was inserted: entry {number} was written as number {written_as}"
            return Finding(last.number, Flaw.INSERTED, sentence)
        return Finding(number, Flaw.MOVED, f"entry {number} was moved: it was written as number {written_as}")

    def _wrong_prev(self, link: Link) -> Finding:
        """The link itself is whole, so the one before it is not what it was when this one was written."""
        number = self._last.number
        if number == 0:
            return Finding(1, Flaw.EDITED, "entry 1 was edited: it names an entry before it")
        sentence = f"entry {number} was edited: entry {link.number} names another hash for it"
        return Finding(number, Flaw.EDITED, sentence)


def _own_number(link: Link) -> int | None:
    """The number for which the hash of the link is right; None if there is none nearby."""
    body = body_of(link.entry)
    nearby = range(max(1, link.number - NEARBY), link.number + NEARBY + 1)
    return next((number for number in nearby if hash_of(link.prev, number, link.at, body) == link.hash), None)


def _missing(number: int, why: str) -> Finding:
    return Finding(number, Flaw.MISSING, f"entry {number} is missing: {why}")
