"""The simulations after those of `make test`: SIMULATION_SEEDS of them, from SIMULATION_FIRST."""

import os
from collections.abc import Callable

import pytest

from tests.support.simulated_world import simulate

SEEDS = int(os.environ.get("SIMULATION_SEEDS") or 5_000)
FIRST = int(os.environ.get("SIMULATION_FIRST") or 1_000)
TELL_AFTER = 500


@pytest.mark.timeout(0)
def test_what_is_promised_holds(tell: Callable[[str], None]) -> None:
    for seed in range(FIRST, FIRST + SEEDS):
        ending = simulate(seed)
        if ending.problems:
            pytest.fail(ending.told(), pytrace=False)
        if (seed - FIRST + 1) % TELL_AFTER == 0:
            tell(f"{seed - FIRST + 1} simulations")
