"""How brokers are reached, and what the errors of the library mean."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException

from app.kafka.ports import Fenced, KafkaUnreachable

log = structlog.get_logger(__name__)

QUIET_SECONDS = 30.0
SILENT = 0
_FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)


@dataclass(frozen=True, slots=True)
class Connection:
    """The brokers, and how they are reached.

    servers: `host:port`, separated by commas.
    security: further properties of the library, for TLS and logins.
    is_quiet: whether the troubles that the library reports are left out of the log. Its calls fail with them anyway.
    """

    servers: str
    security: Mapping[str, str] = field(default_factory=dict)
    is_quiet: bool = False

    def properties(self, name: str, **more: Any) -> dict[str, Any]:
        """The configuration of a client of the library. `more` has its own properties, with `_` in place of dots."""
        own = {key.replace("_", "."): value for key, value in more.items()}
        # The library would write each failed attempt to connect to standard error; `error_cb` reports what matters.
        troubles = _ignore if self.is_quiet else Troubles(name)
        fixed = {"bootstrap.servers": self.servers, "client.id": name, "log_level": SILENT, "error_cb": troubles}
        return fixed | {"reconnect.backoff.max.ms": 2_000, "retry.backoff.ms": 50} | dict(self.security) | own


class Troubles:
    """Logs what the library reports, each kind once in a while.

    name: the client that has the trouble.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._quiet_until: dict[int, float] = {}

    def __call__(self, error: KafkaError) -> None:
        now = time.monotonic()
        if now >= self._quiet_until.get(error.code(), 0.0):
            self._quiet_until[error.code()] = now + QUIET_SECONDS
            log.warning("kafka_trouble", client=self._name, code=error.name(), reason=error.str())


def _ignore(error: KafkaError) -> None:
    return None


@contextmanager
def reaching_kafka() -> Iterator[None]:
    """Raise `Fenced` or `KafkaUnreachable` for what the library raises."""
    try:
        yield
    except KafkaException as error:
        raise in_words(error.args[0]) from error
    except BufferError as error:
        raise KafkaUnreachable("more records wait for the brokers of Kafka than there is room for") from error


def in_words(error: Any) -> KafkaUnreachable | Fenced:
    if isinstance(error, KafkaError) and error.code() in _FENCED:
        return Fenced("another process publishes to Kafka now")
    reason = error.str() if isinstance(error, KafkaError) else str(error)
    return KafkaUnreachable(f"Kafka does not do what it should: {reason}")
