"""A database that restarts again and again for all the time, and engines that are replaced again and again."""

from dataclasses import replace

import pytest

from tests.support.chaos import survive
from tests.support.chaos_restarts import PostgresRestarts, RollingRestarts

ATTEMPTS_BETWEEN = 4_000
ROUNDS = 5
LEASE_SECONDS = 30.0


@pytest.mark.timeout(0)
async def test_a_database_that_restarts_again_and_again(tmp_path, plan, tell):
    await survive(tmp_path, plan, tell, lambda house, _: PostgresRestarts(house, ATTEMPTS_BETWEEN))


@pytest.mark.timeout(0)
async def test_rounds_of_engines_replaced_under_load(tmp_path, plan, tell):
    two_engines = replace(
        plan, engines=2, seconds=None, lease_seconds=LEASE_SECONDS, shutdown_seconds=2 * LEASE_SECONDS
    )
    await survive(tmp_path, two_engines, tell, lambda house, _: RollingRestarts(house, ROUNDS))
