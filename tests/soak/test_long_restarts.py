"""A database that restarts every 20 s for all the time, and engines that are replaced again and again."""

from dataclasses import replace

import pytest

from tests.support.chaos import survive
from tests.support.chaos_restarts import PostgresRestarts, RollingRestarts

RESTART_EVERY_SECONDS = 20.0
ROUNDS = 5
ENOUGH_SECONDS = 300.0


@pytest.mark.timeout(0)
async def test_a_database_that_restarts_again_and_again(tmp_path, plan, tell):
    await survive(tmp_path, plan, tell, lambda house, _: PostgresRestarts(house, RESTART_EVERY_SECONDS))


@pytest.mark.timeout(0)
async def test_rounds_of_engines_replaced_under_load(tmp_path, plan, tell):
    two_engines = replace(plan, engines=2, seconds=ENOUGH_SECONDS)
    await survive(tmp_path, two_engines, tell, lambda house, _: RollingRestarts(house, ROUNDS))
