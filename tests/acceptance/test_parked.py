"""Executions that wait cost an engine nothing; `make soak` shows the same with a hundred thousand."""

from tests.support.parked_executions import park, parking_engine
from tests.support.process_usage import MIB

EXECUTIONS = 5_000


async def test_parked_executions_take_neither_memory_nor_time(database_url: str) -> None:
    async with parking_engine(database_url) as server:
        parked = await park(server, database_url, EXECUTIONS)
    print(f"\n{parked}")  # noqa: T201

    assert parked.after.memory_bytes < parked.before.memory_bytes + 4 * MIB
    assert parked.after.core_share < parked.before.core_share + 0.05
