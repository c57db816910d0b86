"""100,000 reads and writes of definitions while Redis and processes suffer; CACHE_OPERATIONS=…, CHAOS_SEED=… ."""

import os
import random
import sys
import time

import pytest

from tests.support.cache_faults import faults
from tests.support.cache_house import cache_house
from tests.support.cache_proof import Proof

OPERATIONS = int(os.environ.get("CACHE_OPERATIONS") or 100_000)
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.mark.timeout(0)
async def test_no_read_is_stale_in_many_operations(database_url, tmp_path):
    began = time.monotonic()
    async with cache_house(database_url, tmp_path, SEED) as house:
        proof = Proof(house, random.Random(SEED))
        await proof.prepare()
        async with faults(house) as seen:
            await proof.run(lambda: proof.operations > OPERATIONS and proof.is_fair)
    sys.stderr.write(
        f"\nseed {SEED}: {dict(proof.counts)} in {time.monotonic() - began:.0f} s, "
        f"{proof.hits} hits, {len(proof.stale)} stale\n"
        f"faults: {dict(seen)}\n"
    )
    assert proof.stale == []
