"""Restarts on purpose, under load; `make soak` does the same for longer."""

import os
import random
from pathlib import Path

import pytest

from tests.support.chaos import ChaosPlan, survive
from tests.support.chaos_restarts import PostgresRestarts, RollingRestarts

pytestmark = pytest.mark.timeout(900)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
PLAN = ChaosPlan(SEED, lease_seconds=30, shutdown_seconds=60, engines=2, rests=1)
"""Nothing is killed here. An engine that does not keep its lease on a busy machine would be another trouble."""


async def test_a_database_that_restarts_loses_nothing_and_ends_no_process(tmp_path: Path) -> None:
    print(await survive(tmp_path, PLAN, cause=lambda house, _: PostgresRestarts(house, 30, 2)))  # noqa: T201


async def test_engines_replaced_one_after_the_other_lose_and_repeat_nothing(tmp_path: Path) -> None:
    print(await survive(tmp_path, PLAN, cause=lambda house, _: RollingRestarts(house, 1)))  # noqa: T201
