"""The service with more stored executions, engines and watchers, as contestants of the rounds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from bench.house import Contestant, House
from bench.running import Program, ProgramFailed, program
from bench.samples import Sample
from bench.scale.filling import fill
from bench.scale.waiting import PARKED, start_many, until_count
from bench.service import grpc_process
from bench.stores import database
from bench.work.contestants import ALONE, STREAM, measure_cell
from bench.workflows import WAITS_FOR_SIGNAL, prepare_database

WORK = "seq3"
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.1


@asynccontextmanager
async def scale_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    """Each number of stored executions has its own database, which is filled before the first round."""
    async with AsyncExitStack() as stack:
        contestants = []
        for stored in house.size.stored:
            url = await stack.enter_async_context(database(house.stores.postgres_url, f"stored_{stored}"))
            await prepare_database(url)
            house.say(f"Storing {stored:,} finished executions ...")
            await fill(url, stored)
            contestants.append(Contestant(stored_label(stored), partial(_stored, house, url, stored)))
        url = await stack.enter_async_context(database(house.stores.postgres_url, "scale"))
        await prepare_database(url)
        contestants += [Contestant(engines_label(n), partial(_engines, house, url, n)) for n in house.size.engines]
        contestants += [Contestant(watchers_label(n), partial(_watchers, house, n)) for n in house.size.watchers]
        yield contestants


def stored_label(stored: int) -> str:
    return f"{WORK}, {stored:,} stored"


def engines_label(engines: int) -> str:
    return f"{WORK}, {engines} engine{'s' if engines > 1 else ''}"


def watchers_label(watchers: int) -> str:
    return f"{WORK}, {watchers:,} idle watchers"


def callers(house: House) -> int:
    """64 if the rounds of work have this number of callers, otherwise their largest number."""
    return 64 if 64 in house.size.concurrencies else max(house.size.concurrencies)


async def _stored(house: House, url: str, stored: int) -> list[Sample]:
    label, count = stored_label(stored), callers(house)
    async with program("bench.work.alone", url, folder=house.folder) as engine:
        alone = await measure_cell(house, url, engine, (ALONE, WORK, count), role="engine", label=label)
    return [alone, await _stream(house, url, 1, label)]


async def _engines(house: House, url: str, engines: int) -> list[Sample]:
    return [await _stream(house, url, engines, engines_label(engines))]


async def _stream(house: House, url: str, engines: int, label: str) -> Sample:
    """Full streams; the callers are spread evenly over all engines."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(grpc_process(house, url)) for _ in range(engines)]
        ports = [str(server.port) for server in servers]
        client = await stack.enter_async_context(program("bench.work.client", *ports, folder=house.folder))
        pids = [server.pid for server in servers]
        return await measure_cell(
            house, url, client, (STREAM, WORK, callers(house)), way="stream", label=label, server=pids
        )


async def _watchers(house: House, watchers: int) -> list[Sample]:
    """Idle watchers, whose executions wait for a signal and are parked."""
    settings = {"ENGINE_PARK_SECONDS": "0.2", "ENGINE_MAX_EXECUTIONS": str(max(house.size.watchers) + 1_000)}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(house.stores.postgres_url, "watched"))
        await prepare_database(url)
        server = await stack.enter_async_context(grpc_process(house, url, **settings))
        ids = await start_many(server.port, WAITS_FOR_SIGNAL, watchers)
        path = house.folder / "watched"
        path.write_text("\n".join(ids))
        if ids:
            await until_count(url, PARKED, watchers)
            watching = program("bench.scale.watching", str(server.port), str(path), folder=house.folder)
            await _until_reading(house, await stack.enter_async_context(watching), watchers)
        client = await stack.enter_async_context(program("bench.work.client", str(server.port), folder=house.folder))
        cell, label = (STREAM, WORK, callers(house)), watchers_label(watchers)
        return [await measure_cell(house, url, client, cell, way="stream", label=label, server=[server.pid])]


async def _until_reading(house: House, watching: Program, watchers: int) -> None:
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while (reading := (await watching.ask(house.load(1)))["reading"]) < watchers:
        if asyncio.get_running_loop().time() > deadline:
            raise ProgramFailed(f"only {reading} of {watchers} watchers have their history")
        await asyncio.sleep(POLL_SECONDS)
