"""No read is older than the last acknowledged write, whatever happens to Redis and to processes; and without any one
of the things that make it so, there are such reads.
"""

import random

import pytest

from app.adapters.cache import redis_cache
from app.adapters.cache.waiting import Patience
from tests.support.cache_faults import OF_WAYS, faults
from tests.support.cache_house import cache_house
from tests.support.cache_proof import Proof
from tests.support.redis_server import PROGRAM

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs a redis-server that can be stopped and started"),
    pytest.mark.timeout(900),
]

SEED = 4


async def test_no_read_is_stale(database_url, tmp_path):
    async with cache_house(database_url, tmp_path, SEED) as house:
        proof = Proof(house, random.Random(SEED))
        await proof.prepare()
        async with faults(house) as seen:
            await proof.run(lambda: proof.operations > 5_000 and proof.is_fair and len(seen) >= 5)
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


@pytest.mark.parametrize("remove_guard", [entries_count_under_any_token, writers_do_not_wait])
async def test_without_its_guards_stale_reads_are_found(database_url, tmp_path, monkeypatch, remove_guard):
    remove_guard(monkeypatch)
    async with cache_house(database_url, tmp_path, SEED) as house:
        proof = Proof(house, random.Random(SEED))
        await proof.prepare()
        async with faults(house, OF_WAYS):
            await proof.run(lambda: proof.stale or proof.hits > 20_000)
    assert proof.stale
