"""A hundred thousand executions that wait."""

import pytest

from tests.support.parked_executions import park, parking_engine
from tests.support.process_usage import MIB

EXECUTIONS = 100_000


@pytest.mark.timeout(0)
async def test_a_hundred_thousand_parked_executions_cost_an_engine_nothing(database_url, tell):
    async with parking_engine(database_url) as server:
        parked = await park(server, database_url, EXECUTIONS)
    tell(parked)

    assert parked.after.memory_bytes < parked.before.memory_bytes + 4 * MIB
    assert parked.after.core_share < parked.before.core_share + 0.05
