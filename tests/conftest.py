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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server; a parameter that asks for a fixture by its name has to do so itself."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


# How long an example takes says more of the machine than of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
