"""What happens to Redis, to the ways to it, and to processes, one after another, at random."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.support.cache_house import CacheHouse, Process


async def a_way_stalls(house: CacheHouse, process: Process) -> None:
    process.proxy.stall()
    await _a_while(house)
    process.proxy.flow()


async def a_way_is_slow(house: CacheHouse, process: Process) -> None:
    process.proxy.delay_seconds = house.rng.uniform(0.01, 0.15)
    await _a_while(house)
    process.proxy.delay_seconds = 0.0


async def a_way_is_gone(house: CacheHouse, process: Process) -> None:
    await process.proxy.vanish()
    await _a_while(house)
    await process.proxy.start()


async def connections_are_cut(house: CacheHouse, process: Process) -> None:
    process.proxy.cut()


async def redis_is_flushed(house: CacheHouse, process: Process) -> None:
    await house.ask_redis("FLUSHALL")


async def redis_stalls(house: CacheHouse, process: Process) -> None:
    house.signal_redis(signal.SIGSTOP)
    await _a_while(house)
    house.signal_redis(signal.SIGCONT)


async def redis_restarts_with_old_data(house: CacheHouse, process: Process) -> None:
    """Its snapshot is from before the changes of the next moment, which it forgets."""
    await house.ask_redis("SAVE")
    await asyncio.sleep(house.rng.uniform(0, 0.2))
    house.stop_redis()
    await house.start_redis()


async def redis_restarts_empty(house: CacheHouse, process: Process) -> None:
    house.stop_redis()
    (house.folder / "dump.rdb").unlink(missing_ok=True)
    await _a_while(house)
    await house.start_redis()


async def a_process_dies_after_a_commit(house: CacheHouse, process: Process) -> None:
    process.store.doomed = True
    try:
        async with asyncio.timeout(2):
            await process.store.died.wait()
    except TimeoutError:
        process.store.doomed = False
    else:
        await house.replace(process)


Fault = Callable[[CacheHouse, Process], Awaitable[None]]

OF_WAYS: tuple[Fault, ...] = (a_way_stalls, a_way_is_slow, a_way_is_gone, connections_are_cut)
ALL: tuple[Fault, ...] = (
    *OF_WAYS,
    redis_is_flushed,
    redis_stalls,
    redis_restarts_with_old_data,
    redis_restarts_empty,
    a_process_dies_after_a_commit,
)


@asynccontextmanager
async def faults(house: CacheHouse, kinds: tuple[Fault, ...] = ALL) -> AsyncIterator[Counter[str]]:
    """Faults until the end, and how many there were of each kind. Raise what keeps them from happening."""
    seen: Counter[str] = Counter()

    enough = asyncio.Event()

    async def wreak() -> None:
        while not enough.is_set():
            for fault in house.rng.sample(kinds, len(kinds)):
                await fault(house, house.rng.choice(house.processes))
                seen[fault.__name__] += 1
                await asyncio.sleep(house.rng.uniform(0, 0.3))
                if enough.is_set():
                    return

    async with asyncio.TaskGroup() as group:
        group.create_task(wreak())
        yield seen
        enough.set()


async def _a_while(house: CacheHouse) -> None:
    await asyncio.sleep(house.rng.uniform(0.05, 0.6))
