"""What callers ask of the feed: event types by their names, and how problems name the position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.domain.errors import Invalid, Problem
from app.domain.events import EventType

MOST_EVENTS = 1_000
"""The longest page."""

_KNOWN = {known.value: known for known in EventType}


def parse_types(names: Sequence[str], field: str) -> frozenset[EventType] | None:
    """The types with these names; None, which stands for all, if there are none. Raise `Invalid` for unknown names."""
    if unknown := [index for index, name in enumerate(names) if name not in _KNOWN]:
        known = ", ".join(_KNOWN)
        raise Invalid(
            [Problem(f"{field}[{index}]", f"is not the type of an event; there are {known}") for index in unknown]
        )
    return frozenset(_KNOWN[name] for name in names) or None


@contextmanager
def position_as(field: str) -> Iterator[None]:
    """Problems with a position name it as the caller wrote it."""
    try:
        yield
    except Invalid as invalid:
        raise Invalid([Problem(field, problem.message) for problem in invalid.problems]) from None
