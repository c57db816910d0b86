"""Reaches Kafka, and publishes the records of tasks. Imported only when Kafka is on."""

from collections.abc import Mapping

from app.adapters.kafka.connection import Connection
from app.adapters.kafka.publisher import KafkaPublisher
from app.config import Settings
from app.kafka.records import Record


def connection_of(settings: Settings) -> Connection:
    """Call it only when Kafka is on."""
    assert settings.kafka_bootstrap_servers is not None
    password = settings.kafka_sasl_password
    security = {
        "security.protocol": settings.kafka_security_protocol,
        "ssl.ca.location": settings.kafka_ca,
        "ssl.certificate.location": settings.kafka_certificate,
        "ssl.key.location": settings.kafka_key,
        "sasl.username": settings.kafka_sasl_username,
        "sasl.password": None if password is None else password.get_secret_value(),
    }
    if settings.kafka_security_protocol.startswith("sasl"):
        security["sasl.mechanism"] = settings.kafka_sasl_mechanism
    stated = {name: str(value) for name, value in security.items() if value is not None}
    return Connection(settings.kafka_bootstrap_servers, stated)


class TaskPublisher:
    """Nothing is opened before the first record."""

    def __init__(self, settings: Settings) -> None:
        self._publisher = KafkaPublisher(connection_of(settings), f"{settings.kafka_prefix}-tasks")

    async def publish_one(self, topic: str, key: str | None, value: bytes | None, headers: Mapping[str, str]) -> None:
        encoded = {name: text.encode("utf-8", "surrogatepass") for name, text in headers.items()}
        record = Record(topic, None if key is None else key.encode("utf-8", "surrogatepass"), value, encoded)
        await self._publisher.publish([record])

    async def close(self) -> None:
        await self._publisher.close()
