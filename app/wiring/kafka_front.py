"""What an engine's process does with Kafka, and that it does nothing while Kafka is off."""

from dataclasses import dataclass
from typing import Protocol

from app.adapters.database.pool import Pool
from app.adapters.database.signals import PostgresSignals
from app.background.loop import OnDefect
from app.config import Settings
from app.domain.payloads import Payloads
from app.engine.controls import ExecutionControls
from app.engine.ports import StartQuota
from app.engine.running.engine import Engine
from app.wiring.kafka import kafka_is_on
from app.wiring.parts import Shared


@dataclass(frozen=True, slots=True)
class FrontNeeds:
    """What the front of Kafka needs of an engine's process.

    shared: what the services of executions have in common.
    pool: connections with the rights of an engine.
    signals: wake-ups, which are not started yet.
    engine: runs what records start.
    controls: sends the signals that records are.
    payloads: the limits of payloads.
    quota: how many executions records may start in a tenant.
    """

    shared: Shared
    pool: Pool
    signals: PostgresSignals
    engine: Engine
    controls: ExecutionControls
    payloads: Payloads
    quota: StartQuota


class Front(Protocol):
    """What an engine's process does with Kafka."""

    def start(self, on_defect: OnDefect) -> None: ...

    async def stop(self) -> None:
        """Harmless when repeated."""


class NoFront:
    """While Kafka is off."""

    def start(self, on_defect: OnDefect) -> None:
        return None

    async def stop(self) -> None:
        return None


def build_front(settings: Settings, needs: FrontNeeds) -> Front:
    """Raise `SettingsError`. Call it before the signals are started."""
    if not kafka_is_on(settings):
        return NoFront()
    from app.wiring.kafka_parts import KafkaFront

    return KafkaFront(settings, needs)
