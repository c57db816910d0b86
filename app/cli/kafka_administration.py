"""`workflow kafka …`: what the commands do."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson
import typer

from app.cli.errors import CliError
from app.cli.listing import print_documents
from app.config import Settings, SettingsError
from app.kafka.ports import Fenced, KafkaUnreachable
from app.wiring.kafka import kafka_is_on, topics_of

if TYPE_CHECKING:
    from app.wiring.kafka_parts import KafkaAdministration

COLUMNS = ("topic", "partitions", "records", "waiting")


def make_topics(settings: Settings, partitions: int, replicas: int | None) -> None:
    with _administration(settings) as administration:
        made = administration.make_topics(partitions, -1 if replicas is None else replicas)
    typer.echo(f"made {', '.join(made)}" if made else "all topics exist")


def show_state(settings: Settings, *, as_json: bool) -> None:
    with _administration(settings) as administration:
        state, position = administration.state(), administration.position()
    documents = [asdict(topic) for topic in state]
    if as_json:
        typer.echo(orjson.dumps({"topics": documents, "position": position}))
        return
    print_documents(COLUMNS, documents, _row, as_json=False)
    typer.echo("no event was published" if position is None else f"events are published up to position {position}")


def replay(settings: Settings, code: str | None, limit: int, *, signals: bool) -> None:
    topics = topics_of(settings)
    with _administration(settings) as administration:
        sent = administration.replay(topics.signals if signals else topics.trigger, code, limit)
    typer.echo(f"sent {sent} again")


def set_back(settings: Settings, position: int) -> None:
    with _administration(settings):
        from app.wiring.kafka_parts import set_position

        before = asyncio.run(set_position(settings, position))
    was = "none was known before" if before is None else f"it was {before}"
    typer.echo(f"events behind position {position} are published next; {was}")


def _row(topic: dict[str, Any]) -> Sequence[str]:
    waiting = topic["waiting"]
    partitions = str(topic["partitions"]) if topic["partitions"] else "missing"
    return topic["name"], partitions, str(topic["records"]), "" if waiting is None else str(waiting)


@contextmanager
def _administration(settings: Settings) -> "Iterator[KafkaAdministration]":
    """Raise `CliError` where Kafka is off, does not answer, or refuses."""
    try:
        if not kafka_is_on(settings):
            raise CliError("KAFKA_BOOTSTRAP_SERVERS is not set: it names the brokers of Kafka")
        from app.wiring.kafka_parts import administration

        yield administration(settings)
    except (SettingsError, KafkaUnreachable, Fenced) as error:
        raise CliError(str(error)) from None
