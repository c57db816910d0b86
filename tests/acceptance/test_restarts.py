"""Restarts on purpose, under load; `make soak` does the same for longer."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.chaos import ChaosPlan, survive
from tests.support.chaos_restarts import PostgresRestarts, RollingRestarts

SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
PLAN = ChaosPlan(SEED, seconds=6, starts_per_second=30, lease_seconds=2, engines=2, rests=1)
ENOUGH_SECONDS = 60


@pytest.mark.timeout(120)
async def test_a_database_that_restarts_loses_nothing_and_ends_no_process(tmp_path: Path) -> None:
    print(await survive(tmp_path, PLAN, cause=lambda house, _: PostgresRestarts(house, 2)))  # noqa: T201


@pytest.mark.timeout(150)
async def test_engines_replaced_one_after_the_other_lose_and_repeat_nothing(tmp_path: Path) -> None:
    plan = replace(PLAN, seconds=ENOUGH_SECONDS)
    print(await survive(tmp_path, plan, cause=lambda house, _: RollingRestarts(house, 1)))  # noqa: T201
