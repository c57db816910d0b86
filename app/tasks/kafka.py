"""The task type `kafka`: publishes one record, and completes when the brokers have it.

A record is published again when its attempt is repeated; its header `task-key` is the same then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import orjson
from pydantic import Field

from app.domain.errors import Problem, Unavailable
from app.domain.handlers import Attempt, TaskError
from app.tasks.rights import ANY
from app.tasks.task_type import TaskConfig, TaskType, config_of

TASK_KEY = "task-key"
TOPIC = r"^[a-zA-Z0-9._-]{1,249}$"


class RecordPublisher(Protocol):
    """Publishes records to Kafka."""

    async def publish_one(self, topic: str, key: str | None, value: bytes | None, headers: Mapping[str, str]) -> None:
        """Return when the brokers have it. Raise `Unavailable`."""

    async def close(self) -> None:
        """Bounded. Can be called twice."""


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """Options of `kafka` tasks.

    publisher: publishes records; None while Kafka is off.
    topics: where the tasks of tenants can publish to, by the keys of the tenants; `*` is any topic but the own ones.
    own_prefix: how the service's own topics begin.
    """

    publisher: RecordPublisher | None = None
    topics: Mapping[str, frozenset[str]] = field(default_factory=dict)
    own_prefix: str = "workflow."

    def allows(self, topic: str, tenant: str) -> bool:
        allowed = self.topics.get(tenant, frozenset())
        return topic in allowed or (ANY in allowed and not topic.startswith(self.own_prefix))


NO_KAFKA = KafkaOptions()


class KafkaConfig(TaskConfig):
    topic: Annotated[str, Field(pattern=TOPIC)]
    key: str | None = None
    value: Any = None
    headers: dict[str, str] = Field(default_factory=dict)


class KafkaHandler:
    """options: where tasks can publish to."""

    waits_outside = True

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options

    async def run(self, attempt: Attempt) -> dict[str, str | None]:
        """`{"topic", "key"}`. A text is published as it is, any other value as JSON, and `null` as no value."""
        config = config_of(attempt, KafkaConfig)
        if not self._options.allows(config.topic, attempt.tenant):
            raise TaskError("topic_refused", _refusal(config.topic), retryable=False)
        if self._options.publisher is None:
            message = "Kafka is off in this engine: KAFKA_BOOTSTRAP_SERVERS is not set"
            raise TaskError("kafka_off", message, retryable=False)
        headers = config.headers | {TASK_KEY: attempt.task_key}
        try:
            await self._options.publisher.publish_one(config.topic, config.key, _encoded(config.value), headers)
        except Unavailable as error:
            raise TaskError("kafka_unreachable", error.message) from None
        return {"topic": config.topic, "key": config.key}

    async def close(self) -> None:
        if self._options.publisher is not None:
            await self._options.publisher.close()


def kafka_type(options: KafkaOptions) -> TaskType:
    def check(config: KafkaConfig, tenant: str) -> list[Problem]:
        return [] if options.allows(config.topic, tenant) else [Problem("config.topic", _refusal(config.topic))]

    handler = KafkaHandler(options)
    return TaskType(KafkaConfig, handler, close=handler.close, tenant_check=check)


def _encoded(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else orjson.dumps(value)


def _refusal(topic: str) -> str:
    return f"tasks of this tenant may not publish to {topic!r}; an operator lists topics in KAFKA_TASK_TOPICS"
