"""No read is older than the last acknowledged write, whatever happens to Redis and to processes; and without any one
of the things that make it so, there are such reads.
"""

import asyncio
import random

import pytest

from app.adapters.cache import redis_cache
from app.adapters.cache.waiting import Patience
from tests.support.cache_faults import faults
from tests.support.cache_house import TTL_SECONDS, cache_house
from tests.support.cache_proof import Proof
from tests.support.redis_server import PROGRAM

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs a redis-server that can be stopped and started"),
    pytest.mark.timeout(900),
]

SEED = 4
KEY = "edited-0"
LATE = 60.0
"""Seconds in which Redis answers and an entry stays, on a busy machine too."""


async def test_no_read_is_stale(database_url, tmp_path):
    async with cache_house(database_url, tmp_path, SEED) as house:
        proof = Proof(house, random.Random(SEED))
        await proof.prepare()
        async with faults(house) as seen:
            await proof.run(lambda: proof.operations > 2_000 and proof.is_fair and len(seen) >= 5)
    assert proof.stale == []


def entries_count_under_any_token(monkeypatch):
    unpack = redis_cache.unpack

    def credulous(ref, token, entry):
        return None if entry is None else unpack(ref, bytes.fromhex(entry.split()[0].decode()), entry)

    monkeypatch.setattr(redis_cache, "unpack", credulous)


def writers_do_not_wait(monkeypatch):
    async def once(self, attempt):
        await attempt()

    monkeypatch.setattr(Patience, "until", once)


async def a_fill_comes_late(proof, one, other):
    """A reader has read the database, and stores what it read only after a change was acknowledged."""
    one.store.way_back.clear()
    one.store.has_read.clear()
    late = asyncio.create_task(proof.read(KEY, one))
    await one.store.has_read.wait()
    await proof.edit(KEY, KEY, other)
    await proof.read(KEY, other)
    one.store.way_back.set()
    await late


async def a_writer_cannot_reach_redis(proof, one, other):
    """There is an entry that the writer should remove, and cannot."""
    await proof.read(KEY, other)
    await one.proxy.vanish()
    await proof.edit(KEY, KEY, one)


SCENES = [(a_fill_comes_late, entries_count_under_any_token), (a_writer_cannot_reach_redis, writers_do_not_wait)]


async def play(scene, database_url, folder, ttl_seconds):
    async with cache_house(database_url, folder, SEED, 2, ttl_seconds=ttl_seconds, timeout_seconds=LATE) as house:
        proof = Proof(house, random.Random(SEED))
        await proof.prepare()
        one, other = house.processes
        await scene(proof, one, other)
        assert await proof.read(KEY, other)
    return proof


@pytest.mark.parametrize("scene", [scene for scene, _ in SCENES])
async def test_with_its_guards_no_read_is_stale(database_url, tmp_path, scene):
    assert (await play(scene, database_url, tmp_path, TTL_SECONDS)).stale == []


@pytest.mark.parametrize(("scene", "remove_guard"), SCENES)
async def test_without_a_guard_the_stale_read_is_found(database_url, tmp_path, monkeypatch, scene, remove_guard):
    remove_guard(monkeypatch)
    proof = await play(scene, database_url, tmp_path, LATE)
    assert len(proof.stale) == 1
    assert proof.hits == 1
