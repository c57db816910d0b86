"""What every suite shares: a real PostgreSQL and a real Redis; each says in the header which one it is."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.temporary_files",
    "tests.support.tenant",
    "tests.support.postgres",
    "tests.support.redis_server",
    "tests.support.kafka_fixtures",
]

SERVERS = {"postgres_url", "redis_server"}


SHORTEST_FIRST = ("unit", "contract", "migration", "integration", "simulation", "acceptance")
"""Stages, by how long one of their files takes."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a server; a parameter that asks for a fixture by its name has to do so itself.

    Where several processes share the files, the long ones come first, so that all processes end at about the same time.
    """
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
    if hasattr(config, "workerinput"):
        items.sort(key=_length, reverse=True)


def _length(item: pytest.Item) -> int:
    stage = item.nodeid.split("/")[1]
    return SHORTEST_FIRST.index(stage) if stage in SHORTEST_FIRST else len(SHORTEST_FIRST)


# How long an example takes says more of the machine than of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
