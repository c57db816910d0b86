"""Memory of the gRPC process per running execution and per parked execution.

The executions are started in two halves. Only the second is measured, so that one-time allocations do not count.
"""

import asyncio

from bench.house import Figure, House
from bench.processes import resident_bytes
from bench.scale.waiting import PARKED, RUNNING, start_many, until_count
from bench.service import grpc_process
from bench.stores import database
from bench.workflows import WAITS_FOR_SIGNAL, WAITS_IN_PYTHON, prepare_database

PER_RUNNING = "memory per running execution"
PER_PARKED = "memory per parked execution"
CALM_SECONDS = 1.0
PARKED_PER_RUNNING = 10
"""Memory is measured in pages, so a small amount per execution shows only with many parked executions."""


async def measure_memory(house: House) -> list[Figure]:
    """Bytes per execution. A running execution is inside a task; a parked one waits for a signal."""
    stays, parks = {"ENGINE_PARK_SECONDS": "3600"}, {"ENGINE_PARK_SECONDS": "0.2"}
    half = house.size.waiting
    running = await _bytes_per_execution(house, half, WAITS_IN_PYTHON, RUNNING, stays)
    parked = await _bytes_per_execution(house, PARKED_PER_RUNNING * half, WAITS_FOR_SIGNAL, PARKED, parks)
    return [Figure(PER_RUNNING, running, "bytes"), Figure(PER_PARKED, parked, "bytes")]


async def _bytes_per_execution(house: House, half: int, work: str, settled: str, settings: dict[str, str]) -> float:
    limit = {"ENGINE_MAX_EXECUTIONS": str(4 * half), "PYTHON_MODULES": "bench.scale.tasks"}
    async with database(house.stores.postgres_url, "memory") as url:
        await prepare_database(url)
        async with grpc_process(house, url, SHUTDOWN_SECONDS="0", **limit, **settings) as server:
            sizes = []
            for wanted in (half, 2 * half):
                await start_many(server.port, work, half)
                await until_count(url, settled, wanted)
                await asyncio.sleep(CALM_SECONDS)
                sizes.append(resident_bytes(server.pid))
    return (sizes[1] - sizes[0]) / half
