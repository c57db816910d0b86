"""Which records need not come again. Those that wait for another try hold back what follows them in their partition."""

from collections.abc import Mapping

from app.kafka.records import Received

Place = tuple[str, int]
"""A topic and a partition."""


class Progress:
    """By partition: what was taken, and what of it is not finished."""

    def __init__(self) -> None:
        self._open: dict[Place, set[int]] = {}
        self._taken: dict[Place, int] = {}
        self._told: dict[Place, int] = {}
        self._first: dict[Place, int] = {}

    def begin(self, received: Received) -> None:
        place = received.topic, received.partition
        self._open.setdefault(place, set()).add(received.offset)
        # After another member had the partition, it begins where that one has stopped, which may be before.
        self._taken[place] = received.offset
        self._first[place] = min(received.offset, self._first.get(place, received.offset))

    def finish(self, received: Received) -> None:
        self._open[received.topic, received.partition].discard(received.offset)

    def news(self) -> Mapping[Place, int]:
        """The partitions where more is finished than before, and the last offset up to which all is."""
        found = {}
        for place, taken in self._taken.items():
            through = min(self._open[place], default=taken + 1) - 1
            if self._told.get(place) != through >= self._first[place]:
                found[place] = self._told[place] = through
        return found
