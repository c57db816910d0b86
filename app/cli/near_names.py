"""`did you mean …?`: the names that a mistyped one is near to."""

from collections.abc import Iterable
from difflib import get_close_matches

from app.domain.accepted import choice_form

SIMILARITY = 0.65
LONGEST_NAME = 200
MOST_NAMES = 2_000


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """At most three of the first `MOST_NAMES` known names, the nearest first; upper and lower case are the same."""
    folded = {other.casefold(): other for other, _ in zip(known, range(MOST_NAMES), strict=False)}
    if not name or len(name) > LONGEST_NAME:
        return []
    return [folded[found] for found in get_close_matches(name.casefold(), folded, 3, SIMILARITY)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'read' or 'load'?`, to be added to a sentence; empty if no known name is near."""
    near = near_names(name, known)
    return f"; did you mean {choice_form([repr(other) for other in near])}?" if near else ""
