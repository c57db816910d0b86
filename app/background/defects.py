"""What ends a process: a background loop of it that has died of a defect.

A process that continued without one of its loops would do only a part of its work, and that would be noticed late. So
it ends, and its supervisor starts it again.
"""

from collections.abc import Callable


class Defects:
    """The defects of one process. Its loops `report` them; the process stops at the first, and raises it then.

    first: the first defect; None if there is none.
    """

    def __init__(self) -> None:
        self.first: Exception | None = None
        self._stops: list[Callable[[], None]] = []

    def report(self, error: Exception) -> None:
        """Take note of an error; of several, the first counts."""
        if self.first is None:
            self.first = error
            for stop in self._stops:
                stop()

    def on_first(self, stop: Callable[[], None]) -> None:
        """Call `stop()` at the first defect; at once when there has been one."""
        self._stops.append(stop)
        if self.first is not None:
            stop()

    def raise_first(self) -> None:
        """Raise the first defect, if there is any."""
        if self.first is not None:
            raise self.first
