"""How many executions an engine runs at the same time."""

from collections.abc import Callable


def _without_effect() -> None:
    return None


class Places:
    """Of one engine.

    - most: how many places there are
    - given_away: how many of the executions that are held wait for children, and leave their places to these
    - family_changed: called when a step that concerned other executions is stored, because these may be due
    """

    __slots__ = ("family_changed", "given_away", "most")

    def __init__(self, most: int, family_changed: Callable[[], None] = _without_effect) -> None:
        self.most = most
        self.given_away = 0
        self.family_changed = family_changed


class Place:
    """That of one execution."""

    __slots__ = ("_is_given_away", "_places")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._is_given_away = False

    def give_away(self, gives: bool) -> None:
        """Leave the place to others, or take it back."""
        if gives is not self._is_given_away:
            self._is_given_away = gives
            self._places.given_away += 1 if gives else -1

    def family_changed(self) -> None:
        """A step was stored that concerned others of the execution's family."""
        self._places.family_changed()

    @property
    def is_crowded(self) -> bool:
        """True when more executions wait for children in memory than there are places."""
        return self._places.given_away > self._places.most
