"""The names of topics, groups and transactions. All begin with the prefix of the service."""

from collections.abc import Mapping
from dataclasses import dataclass

DEAD = ".dlq"


@dataclass(frozen=True, slots=True)
class Topics:
    """The names for one service.

    prefix: what they all begin with.
    """

    prefix: str = "workflow"

    @property
    def trigger(self) -> str:
        """Records that start executions."""
        return f"{self.prefix}.trigger"

    @property
    def signals(self) -> str:
        """Records that are signals for executions."""
        return f"{self.prefix}.signals"

    @property
    def events(self) -> str:
        """All events of all executions."""
        return f"{self.prefix}.events"

    @property
    def completed(self) -> str:
        """The ends of executions."""
        return f"{self.prefix}.completed"

    @property
    def relay(self) -> str:
        """It stays empty: the offset of the relay's group in it is the position of the feed that was published."""
        return f"{self.prefix}.relay"

    @property
    def incoming(self) -> tuple[str, str]:
        return self.trigger, self.signals

    @property
    def relayed(self) -> tuple[str, ...]:
        """What the relay needs."""
        return self.trigger, self.events, self.completed, self.relay

    @property
    def workers(self) -> str:
        """The group of the engines."""
        return f"{self.prefix}-workers"

    @property
    def relay_group(self) -> str:
        """The group of the relay, and its `transactional.id`."""
        return f"{self.prefix}-relay"

    @property
    def replay_group(self) -> str:
        """The group that reads dead letters to replay them, and its `transactional.id`."""
        return f"{self.prefix}-dlq-replay"

    def dead(self, topic: str) -> str:
        """Where records of an incoming topic go that can never work."""
        return topic + DEAD

    def is_own(self, topic: str) -> bool:
        return topic.startswith(f"{self.prefix}.")

    def partitions(self, most: int) -> Mapping[str, int]:
        """All topics, and how many partitions each should have, if busy ones have `most`."""
        busy = (self.trigger, self.signals, self.events, self.completed)
        return dict.fromkeys(busy, most) | {self.dead(topic): 1 for topic in self.incoming} | {self.relay: 1}
