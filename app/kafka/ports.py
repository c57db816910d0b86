"""What Kafka's part of the service needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app.domain.errors import Unavailable
from app.kafka.records import Received, Record


class KafkaUnreachable(Unavailable):
    """No broker answers, or a topic is missing. It is unknown whether the call took effect."""


class Fenced(Unavailable):
    """Another process has become the relay."""


class Output(Protocol):
    """Publishes the feed, with the position up to which it was published. One process at a time can.

    All methods raise `KafkaUnreachable`, after which `open` has to be called again, and `Fenced`.
    """

    async def open(self) -> int | None:
        """Become the one that publishes. Return the position that was published last; None if none is known."""

    async def publish(self, records: Sequence[Record], position: int) -> None:
        """Publish all records and the position, or nothing."""

    async def close(self) -> None:
        """Harmless when repeated. Returns within seconds whatever the brokers do."""


class Publisher(Protocol):
    """Publishes records at once. Any process can."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when the brokers have all of them. Raise `KafkaUnreachable`."""


class RelayLease(Protocol):
    """Which process is the relay. Raises `Unavailable` when the database does not respond."""

    async def hold(self, seconds: float) -> bool:
        """Take the lease, or renew it, for so long. False while another process has it."""

    async def position(self) -> int | None:
        """The position that a relay noted last; None if none did."""

    async def note(self, position: int) -> None:
        """Note a position that was published. Nothing happens while another process has the lease."""

    async def release(self) -> None:
        """Let another process have it at once. Nothing happens while another one has it."""


class Triggered(Protocol):
    """What is asked of executions that were triggered, of all tenants. Raises `Unavailable`."""

    async def tenant(self, tenant_id: int) -> str | None:
        """The key of a tenant."""

    async def inputs(self, execution_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """The inputs of those that exist, as JSON text."""

    async def make_due(self, execution_ids: Collection[UUID]) -> int:
        """Let engines claim those that wait for their record. Return how many did."""

    async def waiting(self, most: int) -> int:
        """How many executions wait for an engine, counted up to a limit."""


class Source(Protocol):
    """Records of the incoming topics, as a member of the group. Never raises because of brokers: it continues to try.

    While nothing is taken, no more comes from the brokers, but it stays a member.
    """

    async def take(self, seconds: float) -> Sequence[Received]:
        """The next records; none if none have come within so many seconds."""

    def done(self, through: Mapping[tuple[str, int], int]) -> None:
        """By topic and partition: this record and all before it need not come again."""
