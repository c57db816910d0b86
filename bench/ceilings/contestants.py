"""The ceilings of executions, as contestants of the rounds: (a) the stream, (b) the event rows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from app.adapters.embedded.tcp_ports import free_port
from bench.ceilings.recorded import read_updates, record_updates
from bench.house import Contestant, House
from bench.ledger import with_ledger
from bench.running import program, server
from bench.samples import Sample, sample
from bench.service import accepts_connections, until_up
from bench.stores import database
from bench.workflows import TASK_RUNS, prepare_database

BARE_STREAM = "ceiling (a): bare stream"
BARE_ROWS = "ceiling (b): bare event rows"
WORK = "seq3"
EXECUTIONS_IN_A_COMMIT = (1, 16, 128)


@asynccontextmanager
async def ceiling_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    async with database(house.stores.postgres_url, "ceilings") as url:
        await prepare_database(url)
        updates = await record_updates(house, url, WORK)
        sizes = [update.ByteSize() for update in read_updates(updates)]
        house.settings["ceiling (a)"] = f"{len(sizes)} messages of {sum(sizes) // len(sizes)} bytes a call on average"
        house.settings["ceiling (b)"] = f"{len(sizes)} rows an execution, COPY over one connection, one commit a batch"
        yield (
            Contestant("ceiling (a)", lambda: _stream(house, updates)),
            Contestant("ceiling (b)", lambda: _rows(house, url)),
        )


async def _stream(house: House, updates: Path) -> list[Sample]:
    port = free_port()
    command = ("-m", "bench.ceilings.stream_server", str(port), str(updates))
    async with (
        server("bare-stream", *command, folder=house.folder, settings={}) as pid,
        program("bench.work.client", str(port), folder=house.folder) as client,
    ):
        await until_up(house, "bare-stream", lambda: accepts_connections(port))
        samples = []
        for concurrency in house.size.concurrencies:
            answer = await client.ask(house.load(concurrency, server=[pid]), work=WORK, way="stream")
            samples.append(sample(BARE_STREAM, WORK, concurrency, answer, task_runs=TASK_RUNS[WORK]))
        return samples


async def _rows(house: House, url: str) -> list[Sample]:
    """There is one writer; `concurrency` is the number of executions per commit."""
    async with program("bench.ceilings.event_rows", url, folder=house.folder) as writer:
        samples = []
        for batch in EXECUTIONS_IN_A_COMMIT:
            load = house.load(1, "writer")
            await writer.ask(load, do="empty")
            answer = await with_ledger(url, partial(writer.ask, load, do="write", batch=batch))
            samples.append(sample(BARE_ROWS, WORK, batch, answer, task_runs=TASK_RUNS[WORK]))
        return samples
