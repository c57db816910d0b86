"""Kafka for tests: librdkafka's cluster in the process for most, a real broker for those with the marker `kafka`."""

import subprocess
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.support.kafka_broker import KafkaBroker, load_jars, why_not

BROKERS = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = why_not()
    for item in items:
        if "kafka_broker" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


class MockCluster:
    """Brokers in a thread of this process. They have groups, and transactions without the offsets sent in them.

    address: as KAFKA_BOOTSTRAP_SERVERS has it.
    """

    def __init__(self) -> None:
        self._owner = Producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": BROKERS, "log_level": 0})
        brokers = self._owner.list_topics(timeout=30).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def make_topics(self, *names: str) -> None:
        """Each has four partitions."""
        for name in names:
            self._owner.list_topics(name, timeout=30)


@pytest.fixture(scope="session")
def kafka_mock() -> MockCluster:
    """Its topics last for the session: give each test a KAFKA_PREFIX of its own."""
    return MockCluster()


@pytest.fixture(scope="module")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    try:
        load_jars()
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"Maven cannot load the jars of Kafka here: {error}")
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
