"""The peers, as contestants of the rounds. A peer that cannot be installed is left out, with a remark."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from app.adapters.database_url import driver_dsn
from bench.house import Contestant, House
from bench.ledger import with_ledger
from bench.peers.environments import REQUIREMENTS, PeerUnavailable, peer_python
from bench.running import program
from bench.samples import Sample, sample
from bench.stores import database
from bench.workflows import TASK_RUNS

CALLERS = {"seq3": (1, 4, 16), "fan10": (1, 4), "seq100": (1, 4)}
"""Few callers for the long work: with more, no execution would end within a short window."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`environment` names its requirements; `configured` describes its settings in the report."""

    name: str
    environment: str
    configured: str
    arguments: tuple[str, ...] = ()
    needs_redis: bool = False


PEERS = (
    Peer("DBOS", "dbos", "default settings, asynchronous workflows and steps, uvloop, one process", ("0",)),
    Peer(
        "DBOS, few threads",
        "dbos",
        "as before, with max_executor_threads held to the number of cores",
        (str(os.cpu_count()),),
    ),
    Peer(
        "Procrastinate",
        "procrastinate",
        "asynchronous worker of concurrency 32 in the caller's process, pool of 20, listening, polling every 0.1 s "
        "instead of 5 s; the join of fan10 is counted in memory",
    ),
    Peer(
        "Celery",
        "celery",
        "chains and chords, Redis as broker and result backend without a log on disk (not durable), prefork with one "
        "worker a core, default prefetch",
        needs_redis=True,
    ),
)
PEER_NAMES = tuple(peer.name for peer in PEERS)


@asynccontextmanager
async def peer_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    """The peers that can be installed, each with its own database on the run's server."""
    found = []
    for peer in PEERS:
        try:
            found.append(await _contestant(house, peer))
        except PeerUnavailable as reason:
            house.remark(f"{peer.name} is left out: {reason}")
    yield found


async def _contestant(house: House, peer: Peer) -> Contestant:
    if peer.needs_redis and house.stores.redis_url is None:
        raise PeerUnavailable("there is no Redis")
    house.say(f"Providing {peer.name} ...")
    python = await peer_python(peer.environment)
    house.settings[peer.name] = f"{', '.join(REQUIREMENTS[peer.environment])}; {peer.configured}"
    return Contestant(peer.name, lambda: _measure(house, peer, python))


async def _measure(house: House, peer: Peer, python: str) -> list[Sample]:
    async with database(house.stores.postgres_url, peer.environment) as url:
        arguments = () if peer.needs_redis else (driver_dsn(url), *peer.arguments)
        settings = {"BENCH_CELERY_URL": house.stores.redis_url or ""}
        module = f"bench.peers.{peer.environment}_program"
        async with program(module, *arguments, folder=house.folder, python=python, settings=settings) as running:
            samples = []
            for work in house.size.peer_works:
                for concurrency in CALLERS[work]:
                    load = house.load(concurrency, "peer", house.calls_for(work, concurrency))
                    answer = await with_ledger(url, partial(running.ask, load, work=work))
                    samples.append(sample(peer.name, work, concurrency, answer, task_runs=TASK_RUNS[work]))
    return samples
