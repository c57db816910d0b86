"""What callers ask of the feed: event types by their names, and how problems name the position."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app.domain.callers import Caller
from app.domain.errors import Invalid, PermissionDenied, Problem
from app.domain.events import EventType
from app.domain.permissions import Scope
from app.feed.entries import AnyType, FeedFilter
from app.machines.entity import EntityEventType

MOST_EVENTS = 1_000
"""The longest page."""

KNOWN_TYPES: Mapping[str, AnyType] = {known.value: known for known in (*EventType, *EntityEventType)}
"""The types of events of executions and entities, by their names."""


def parse_types(names: Sequence[str], field: str) -> frozenset[AnyType] | None:
    """The types with these names; None, which stands for all, if there are none. Raise `Invalid` for unknown names."""
    if unknown := [index for index, name in enumerate(names) if name not in KNOWN_TYPES]:
        known = ", ".join(KNOWN_TYPES)
        raise Invalid(
            [Problem(f"{field}[{index}]", f"is not the type of an event; there are {known}") for index in unknown]
        )
    return frozenset(KNOWN_TYPES[name] for name in names) or None


@contextmanager
def position_as(field: str) -> Iterator[None]:
    """Problems with a position name it as the caller wrote it."""
    try:
        yield
    except Invalid as invalid:
        raise Invalid([Problem(field, problem.message) for problem in invalid.problems]) from None


def readable(caller: Caller, wanted: FeedFilter) -> FeedFilter:
    """What the caller may read of what it wants: events of entities need a scope of their own. Raise
    `PermissionDenied` if it asks for nothing else.
    """
    if Scope.MACHINES_READ in caller.scopes:
        return wanted
    if wanted.machine_id is not None or wanted.entity_id is not None:
        raise PermissionDenied(f"{caller.principal} lacks {Scope.MACHINES_READ.value}")
    return replace(wanted, entities=False)
