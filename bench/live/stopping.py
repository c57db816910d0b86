"""The time from SIGTERM to the end of a REST process with many sockets."""

import asyncio
import os
import signal
import time

from bench.house import Figure, House
from bench.live.contestants import open_many, sockets_program, take_files
from bench.processes import has_ended
from bench.running import ProgramFailed
from bench.service import rest_process
from bench.stores import database
from bench.workflows import prepare_database

STOP = "time until a REST process with many sockets has stopped"
POLL_SECONDS = 0.01
LONGEST_SECONDS = 60.0


async def measure_stop(house: House) -> list[Figure]:
    take_files()
    async with database(house.stores.postgres_url, "stopping") as url:
        await prepare_database(url)
        async with rest_process(house, url) as rest, sockets_program(house, rest.port) as sockets:
            await open_many(house, sockets, "executions")
            seconds = await _stopped(rest.pid)
            codes = (await sockets.ask(house.load(1), do="closed"))["codes"]
    house.settings["close codes of sockets at the stop"] = ", ".join(f"{code}: {n}" for code, n in codes.items())
    return [Figure(STOP, seconds, "s")]


async def _stopped(pid: int) -> float:
    began = time.perf_counter()
    os.kill(pid, signal.SIGTERM)
    while not has_ended(pid):
        if time.perf_counter() - began > LONGEST_SECONDS:
            raise ProgramFailed(f"the process has not stopped within {LONGEST_SECONDS:g} s")
        await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - began
