"""Which topics exist. A producer that asks for one topic by its name may make it; asking for all of them makes none."""

from collections.abc import Iterable

from confluent_kafka import Consumer, Producer

from app.adapters.kafka.connection import reaching_kafka
from app.kafka.ports import KafkaUnreachable

ASK_SECONDS = 5.0


def refuse_missing(client: Producer | Consumer, wanted: Iterable[str]) -> None:
    """Raise `KafkaUnreachable` if one of the topics does not exist. Blocks for some seconds at most."""
    with reaching_kafka():
        existing = client.list_topics(timeout=ASK_SECONDS).topics
    if missing := sorted(set(wanted) - existing.keys()):
        raise KafkaUnreachable(f"Kafka has no topic {', '.join(missing)}: make it with `workflow kafka setup`")
