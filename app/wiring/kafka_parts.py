"""Joins Kafka to the service. Imported only when Kafka is on: the client library is an extra."""

import asyncio
from dataclasses import replace
from uuid import uuid4

from app.adapters.database.feed import PostgresFeed
from app.adapters.database.identity import PostgresTenantStore
from app.adapters.database.kafka import PostgresRelayLease, PostgresTriggered
from app.adapters.database.pool import Pool
from app.adapters.kafka.administration import KafkaAdministration
from app.adapters.kafka.connection import Connection
from app.adapters.kafka.output import KafkaOutput
from app.adapters.kafka.publisher import KafkaPublisher
from app.adapters.kafka.source import KafkaSource
from app.background.loop import OnDefect
from app.config import Settings
from app.engine.ports import NEW_EVENTS, NEW_WORK
from app.feed.reading import FeedReading
from app.kafka.actions import Actions, Tenancy
from app.kafka.batches import Batches
from app.kafka.dead_letters import DeadLetters
from app.kafka.intake import Intake
from app.kafka.relay import Relay
from app.kafka.room import Room
from app.machines.ports import NEW_ENTITIES
from app.wiring.kafka import topics_of
from app.wiring.kafka_front import FrontNeeds
from app.wiring.kafka_publishing import connection_of
from app.wiring.parts import Shared, trigger_service

__all__ = ["KafkaAdministration", "KafkaFront", "administration", "set_position"]


def build_relay(settings: Settings, shared: Shared, pool: Pool) -> Relay:
    """pool: connections with the rights of an engine."""
    topics, store = topics_of(settings), PostgresFeed(shared.pool)
    reading, every_end = FeedReading(store, shared.plans), settings.kafka_completed == "all"
    batches = Batches(topics, store, reading, PostgresTriggered(pool), every_end=every_end)
    output = KafkaOutput(connection_of(settings), topics, transactions=settings.kafka_transactions)
    return Relay(PostgresRelayLease(pool, uuid4()), output, batches, store, settings.watch_poll_seconds)


def administration(settings: Settings) -> KafkaAdministration:
    transactions = settings.kafka_transactions
    return KafkaAdministration(_connection_of_commands(settings), topics_of(settings), transactions=transactions)


async def set_position(settings: Settings, position: int) -> int | None:
    """Make the relay continue behind a position, also while it runs: it is shut out, and begins again. Return the
    position that was published last.
    """
    connection, transactions = _connection_of_commands(settings), settings.kafka_transactions
    output = KafkaOutput(connection, topics_of(settings), transactions=transactions)
    try:
        before = await output.open()
        await output.publish((), position)
    finally:
        await output.close()
    return before


def _connection_of_commands(settings: Settings) -> Connection:
    """A command says in one sentence what has failed, and its output is for programs, too."""
    return replace(connection_of(settings), is_quiet=True)


class KafkaFront:
    """Publishes the feed, if no other process does, and takes records in."""

    def __init__(self, settings: Settings, needs: FrontNeeds) -> None:
        topics, connection = topics_of(settings), connection_of(settings)
        self._relay = build_relay(settings, needs.shared, needs.pool)
        self._source = KafkaSource(connection, topics)
        self._publisher = KafkaPublisher(connection, f"{topics.prefix}-letters")
        triggered, engine = PostgresTriggered(needs.pool), needs.engine
        room = Room(lambda: engine.room, triggered, settings.kafka_max_pending)
        letters = DeadLetters(topics, self._publisher)
        actions = _actions(settings, needs)
        self._intake = Intake(topics, self._source, actions, letters, triggered, room, engine.wake)
        for channel in (NEW_EVENTS, NEW_WORK, NEW_ENTITIES):
            needs.signals.subscribe(channel, lambda _: self._relay.wake())

    def start(self, on_defect: OnDefect) -> None:
        self._source.start()
        self._relay.start(on_defect)
        self._intake.start(on_defect)

    async def stop(self) -> None:
        await self._intake.stop()
        await asyncio.gather(self._source.close(), self._relay.stop(), self._publisher.close())


def _actions(settings: Settings, needs: FrontNeeds) -> Actions:
    find = PostgresTenantStore(needs.shared.pool).tenant
    tenancy = Tenancy(settings.kafka_tenant, settings.kafka_tenant_from_header, find)
    return Actions(tenancy, needs.payloads, trigger_service(needs.shared, needs.quota), needs.controls)
