"""Everything goes wrong a few times; `make soak` does the same for minutes."""

import os
import random
from pathlib import Path

import pytest

from tests.support.chaos import ChaosPlan, survive

pytestmark = pytest.mark.timeout(900)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


async def test_every_accepted_execution_survives_a_monkey(tmp_path: Path) -> None:
    plan = ChaosPlan(SEED, deeds=6, lease_seconds=2, longest_pause=1)
    print(await survive(tmp_path, plan))  # noqa: T201
