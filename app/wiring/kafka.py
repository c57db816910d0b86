"""Whether Kafka is on, and what is known of it without the client library, which is an extra."""

from importlib.util import find_spec

from app.config import Settings, SettingsError
from app.domain.run_ids import VIA_KAFKA
from app.engine.triggering.service import DIRECT, Way
from app.kafka.topics import Topics
from app.tasks import RecordPublisher

CLIENT = "confluent_kafka"


def kafka_is_on(settings: Settings) -> bool:
    """Raise `SettingsError` if it should be, but the library is missing."""
    if settings.kafka_bootstrap_servers is None:
        return False
    if find_spec(CLIENT) is None:
        raise SettingsError(
            "KAFKA_BOOTSTRAP_SERVERS is set, but the extra `kafka` is not installed: install confluent-kafka 2.13 or "
            "newer, or remove the setting"
        )
    return True


def usual_way(settings: Settings) -> Way:
    """How executions that are triggered over REST are handed to engines."""
    return Way(VIA_KAFKA, settings.kafka_fallback_seconds) if kafka_is_on(settings) else DIRECT


def topics_of(settings: Settings) -> Topics:
    return Topics(settings.kafka_prefix)


def task_publisher(settings: Settings) -> RecordPublisher | None:
    """What publishes the records of tasks; None while Kafka is off."""
    if not kafka_is_on(settings):
        return None
    from app.wiring.kafka_publishing import TaskPublisher

    return TaskPublisher(settings)
