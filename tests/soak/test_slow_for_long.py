"""Watchers that read one message a second for all the time, and then the rest."""

import pytest

from tests.support.process_usage import MIB
from tests.support.watched_history import server_of_long_workflow, watch_slowly


@pytest.mark.timeout(0)
async def test_watchers_may_be_slow_for_as_long_as_they_like(database_url, tmp_path, soak_seconds, tell):
    async with server_of_long_workflow(database_url, tmp_path / "log") as server:
        seen = await watch_slowly(server, for_seconds=soak_seconds)
    tell(seen)

    here, elsewhere = seen.fast
    assert elsewhere == here
    assert all(updates == here for updates in seen.slow)
    assert seen.growth_bytes < 16 * MIB
