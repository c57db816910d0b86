"""A service of the test's own topics on the cluster in the process."""

import pytest

from app.kafka.topics import Topics
from tests.support.kafka_fixtures import MockCluster
from tests.support.kafka_house import KafkaHouse, fresh_prefix


@pytest.fixture
def house(kafka_mock: MockCluster) -> KafkaHouse:
    topics = Topics(fresh_prefix())
    kafka_mock.make_topics(*topics.partitions(4))
    return KafkaHouse(kafka_mock.address, topics)
