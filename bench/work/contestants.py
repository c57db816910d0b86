"""Executions of the service, as contestants of the rounds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.house import Contestant, House
from bench.ledger import with_ledger
from bench.running import Program, program
from bench.samples import Sample, sample
from bench.service import grpc_process
from bench.stores import database
from bench.workflows import TASK_RUNS, prepare_database

STREAM, STATUS, ALONE = "full stream", "final status", "engine alone"


@asynccontextmanager
async def service_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    """The service over gRPC, in both ways, and the engine alone, on one database."""
    async with database(house.stores.postgres_url, "work") as url:
        await prepare_database(url)
        house.settings["service"] = "default settings; client, server and PostgreSQL are processes of one machine"
        yield (
            Contestant("service over gRPC", lambda: _over_grpc(house, url)),
            Contestant("engine alone", lambda: _alone(house, url)),
        )


async def measure_cell(
    house: House,
    url: str,
    asked: Program,
    cell: tuple[str, str, int],
    role: str = "client",
    way: str = "",
    label: str = "",
    **watched: Sequence[int],
) -> Sample:
    """Measure one window of `cell`: subject, work, callers. `label` replaces the name of the work in the report."""
    subject, work, concurrency = cell
    load = house.load(concurrency, role, house.calls_for(work, concurrency), **watched)
    answer = await with_ledger(url, lambda: asked.ask(load, work=work, way=way))
    return sample(subject, label or work, concurrency, answer, task_runs=TASK_RUNS[work])


async def _over_grpc(house: House, url: str) -> list[Sample]:
    async with (
        grpc_process(house, url) as server,
        program("bench.work.client", str(server.port), folder=house.folder) as client,
    ):
        ways = {STREAM: "stream", STATUS: "status"}
        return [
            await measure_cell(house, url, client, (subject, work, concurrency), way=way, server=[server.pid])
            for work in house.size.works
            for concurrency in house.size.concurrencies
            for subject, way in ways.items()
        ]


async def _alone(house: House, url: str) -> list[Sample]:
    async with program("bench.work.alone", url, folder=house.folder) as engine:
        return [
            await measure_cell(house, url, engine, (ALONE, work, concurrency), role="engine")
            for work in house.size.works
            for concurrency in house.size.concurrencies
        ]
