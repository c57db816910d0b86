"""Live streams, as contestants of the rounds: how late events arrive, and what the engine loses."""

import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from app.adapters.database_url import driver_dsn
from bench.house import Contestant, Figure, House
from bench.processes import resident_bytes
from bench.running import Program, program
from bench.samples import Sample, sample
from bench.service import grpc_process, rest_process
from bench.stores import connect, database
from bench.work.contestants import measure_cell
from bench.workflows import WAITS_FOR_SIGNAL, prepare_database

WORK = "seq3"
LAG = "events over sockets"
MANY_SOCKETS = "newest events of all executions, many sockets"
EVERY_EVENT, HELD = "every event", "every event, a transaction held open"
WITHOUT, WITH = "engine alone, no sockets", "engine alone, many sockets"
PER_SOCKET = "memory of the REST process per socket"
EVERY_SOCKETS = 10
RATE, EVERY_RATE = 10, 50
"""Executions a second. Each has nine events, and one or two frames for each socket with the newest events."""
CALLERS = (1, 64)
FILES = 4_096


@asynccontextmanager
async def live_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    take_files()
    async with database(house.stores.postgres_url, "live") as url:
        await prepare_database(url)
        sockets, deaf = house.size.sockets, deaf_of(house)
        house.settings["sockets"] = f"{sockets:,} sockets, of which {deaf} never read, in one process"
        yield (
            Contestant("many sockets", lambda: _many(house, url)),
            Contestant("every event", lambda: _every(house, url)),
            *(Contestant(what, partial(_engine, house, url, what)) for what in (WITHOUT, WITH)),
        )


def deaf_of(house: House) -> int:
    return max(1, house.size.sockets // 100)


def take_files() -> None:
    """Let this process and those that it starts open many connections, as far as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


@asynccontextmanager
async def sockets_program(house: House, rest_port: int, grpc_port: int = 0) -> AsyncIterator[Program]:
    async with program("bench.live.sockets", str(rest_port), str(grpc_port), folder=house.folder) as found:
        yield found


async def open_many(house: House, sockets: Program, channel: str) -> None:
    asked = {"count": house.size.sockets, "deaf": deaf_of(house), "channel": channel, "mode": "newest"}
    await sockets.ask(house.load(1), do="open", **asked)


async def _many(house: House, url: str) -> list[Sample]:
    async with (
        grpc_process(house, url) as engine,
        rest_process(house, url) as rest,
        sockets_program(house, rest.port, engine.port) as sockets,
    ):
        before = resident_bytes(rest.pid)
        await open_many(house, sockets, "executions")
        found = await _lag(house, sockets, MANY_SOCKETS, RATE, house.size.lag_seconds, rest.pid, house.size.sockets)
        grown = resident_bytes(rest.pid) - before
        house.figures.append(Figure(PER_SOCKET, grown / house.size.sockets, "bytes"))
    return [found]


async def _every(house: House, url: str) -> list[Sample]:
    """Every event, with and without a transaction that has written and does not end."""
    async with (
        grpc_process(house, url) as engine,
        rest_process(house, url) as rest,
        sockets_program(house, rest.port, engine.port) as sockets,
    ):
        await sockets.ask(house.load(1), do="open", count=EVERY_SOCKETS, deaf=0, channel="executions", mode="all")
        measured = partial(_lag, house, sockets, rate=EVERY_RATE, rest=rest.pid, count=EVERY_SOCKETS)
        usual = await measured(EVERY_EVENT, seconds=house.size.lag_seconds)
        async with _held_open(url):
            held = await measured(HELD, seconds=house.size.held_seconds)
    return [usual, held]


async def _lag(
    house: House, sockets: Program, subject: str, rate: float, seconds: float, rest: int, count: int
) -> Sample:
    load = replace(house.load(count, rest=[rest]), max_seconds=max(seconds, house.size.max_seconds))
    answer = await sockets.ask(load, do="lag", work=WORK, rate=rate, seconds=seconds)
    return sample(subject, LAG, count, answer)


@asynccontextmanager
async def _held_open(url: str) -> AsyncIterator[None]:
    """A transaction with an id of its own, older than all that are measured."""
    async with connect(driver_dsn(url)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT pg_current_xact_id()")
        try:
            yield
        finally:
            await transaction.rollback()


async def _engine(house: House, url: str, subject: str) -> list[Sample]:
    """The sockets follow a workflow that does nothing, but the REST process reads every event for them."""
    async with (
        program("bench.work.alone", url, folder=house.folder) as engine,
        rest_process(house, url) as rest,
        sockets_program(house, rest.port) as sockets,
    ):
        if subject == WITH:
            await open_many(house, sockets, f"workflow:{WAITS_FOR_SIGNAL}")
        return [
            await measure_cell(house, url, engine, (subject, WORK, callers), role="engine", rest=[rest.pid])
            for callers in CALLERS
        ]
