"""How long and how hard: SOAK_MINUTES, SOAK_RATE in starts a second, CHAOS_SEED for a seed seen before."""

import os
import random
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.chaos import ChaosPlan
from tests.support.checking import assert_clean

MINUTES = 10.0
RATE = 110.0
CLIENTS = 300


@pytest.fixture(scope="session")
def soak_seconds() -> float:
    return 60 * float(os.environ.get("SOAK_MINUTES") or MINUTES)


@pytest.fixture(scope="session")
def plan(soak_seconds: float) -> ChaosPlan:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    rate = float(os.environ.get("SOAK_RATE") or RATE)
    return ChaosPlan(seed, soak_seconds, starts_per_second=rate, clients=CLIENTS)


@pytest.fixture
def tell() -> Callable[[str], None]:
    def say(line: object) -> None:
        sys.stderr.write(f"{line}\n")

    return say


@pytest.fixture
async def database_url(database_url: str) -> AsyncIterator[str]:
    yield database_url
    await assert_clean(database_url)
