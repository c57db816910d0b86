"""A service under load while a monkey breaks it, and the question whether every promise was kept."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.chaos_house import House, open_house
from tests.support.chaos_load import Load
from tests.support.chaos_monkey import Monkey
from tests.support.chaos_verdict import all_final, broken_histories, nothing_lost, nothing_ran_again, statuses

HEAL_SECONDS = 60.0
MARGIN_SECONDS = 15.0
TELL_EVERY_SECONDS = 30.0
SHOWN = 40


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """The monkey rests between `shortest_pause` and `longest_pause` seconds from one deed to the next."""

    seed: int
    seconds: float
    starts_per_second: float
    lease_seconds: float = 3.0
    shortest_pause: float = 0.3
    longest_pause: float = 3.0


async def survive(folder: Path, plan: ChaosPlan, tell: Callable[[str], None] = lambda _: None) -> str:
    """Run it all in `folder`; a sentence on what happened. Raise `AssertionError` with everything that went wrong."""
    tell(f"chaos with seed {plan.seed} for {plan.seconds:g} seconds")
    async with open_house(folder, plan.lease_seconds) as house:
        await house.heal(HEAL_SECONDS)
        load = Load([engine.server.port for engine in house.engines], plan.seed, plan.starts_per_second)
        monkey = Monkey(house, plan.seed, plan.lease_seconds, plan.shortest_pause, plan.longest_pause)
        await _rage(plan, load, monkey, tell)
        await house.heal(HEAL_SECONDS)
        began = time.monotonic()
        wrong = await all_final(house.database_url, plan.lease_seconds + MARGIN_SECONDS)
        settled = time.monotonic() - began
        await load.finish(MARGIN_SECONDS)
        wrong += await _verdict(house, load)
        story = await _story(plan, house, load, monkey, settled)
    tell(story)
    assert not wrong, "\n".join([story, f"{len(wrong)} wrong:", *wrong[:SHOWN]])
    return story


async def _rage(plan: ChaosPlan, load: Load, monkey: Monkey, tell: Callable[[str], None]) -> None:
    """Load and monkey for as long as planned; a defect in either ends both."""
    with suppress(TimeoutError):
        async with asyncio.timeout(plan.seconds), asyncio.TaskGroup() as group:
            group.create_task(load.run())
            group.create_task(monkey.rampage())
            group.create_task(_tell_now_and_then(load, monkey, tell))


async def _tell_now_and_then(load: Load, monkey: Monkey, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_SECONDS)
        tell(f"{load.started} starts, {len(load.accepted)} accepted, {monkey.done.total()} deeds")


async def _verdict(house: House, load: Load) -> list[str]:
    deaths = [f"an engine ended by itself: exit codes {engine.deaths}" for engine in house.engines if engine.deaths]
    return [
        *deaths,
        *load.wrong,
        *await nothing_lost(house.database_url, load.accepted),
        *await nothing_ran_again(house.database_url, house.traces),
        *await broken_histories(house.database_url),
    ]


async def _story(plan: ChaosPlan, house: House, load: Load, monkey: Monkey, settled: float) -> str:
    return (
        f"seed {plan.seed}: {load.started} starts in {plan.seconds:g} s ({load.started / plan.seconds:.0f}/s), "
        f"{await statuses(house.database_url)}, final {settled:.1f} s after the healing; "
        f"monkey {dict(monkey.done)}; clients saw {dict(load.errors)}; "
        f"{sum(engine.starts for engine in house.engines)} engine starts; logs in {house.folder.parent}"
    )
