"""Readers of the feed in a service under attack: of each tenant one over gRPC and one over server-sent events."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

import asyncpg

from app.adapters.database_url import driver_dsn
from tests.support.chaos_callers import Disturbed, Ended, FeedPart, TenantCallers, Wrong

TRY_AGAIN_SECONDS = 0.1
POLL_SECONDS = 0.25
PATIENCE_SECONDS = 120.0
SHOWN = 5

_EXPECTED = """
SELECT f.last - f.events + h.number AS position, f.stream_id::text AS execution_id, f.first + h.number - 1 AS sequence,
       t.key AS tenant
FROM feed_entries(0, 2147483647) f JOIN tenants t ON t.id = f.tenant_id
CROSS JOIN LATERAL generate_series(1, f.events) AS h (number)
WHERE f.workflow_id IS NOT NULL
ORDER BY 1
"""


class Seen(NamedTuple):
    position: int
    execution_id: str
    sequence: int


class FeedReader:
    """Reads from the beginning, through as many streams as it takes. `position` is up to where it has read."""

    def __init__(self, name: str, open_stream: Callable[[int], AsyncIterator[FeedPart]], seed: int) -> None:
        self.name = name
        self.position = 0
        self.seen: list[Seen] = []
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._open = open_stream
        self._random = random.Random(f"{name} {seed}")

    async def run(self) -> None:
        """Until cancelled. Sometimes it leaves by itself."""
        while True:
            leaves_after = self._random.choice([2, 20, 100_000])
            try:
                async with aclosing(self._open(self.position)) as parts:  # type: ignore[type-var]
                    async for part in parts:
                        self.seen += [Seen(*event) for event in part.events]
                        self.position = max(self.position, part.next_position)
                        leaves_after -= 1
                        if leaves_after == 0:
                            break
            except Disturbed as error:
                self.errors[str(error)] += 1
            except (Ended, Wrong) as error:
                self.wrong.append(f"{self.name}: {error!r}")
            await asyncio.sleep(TRY_AGAIN_SECONDS)


class FeedReaders:
    """`wrong` says what no reader may ever see, `errors` what they had to live with."""

    def __init__(self, callers: Sequence[TenantCallers], seed: int) -> None:
        self._random = random.Random(f"feed {seed}")
        self._readers = {
            (of.tenant.name, way): FeedReader(f"reader of {of.tenant.name} over {way}", opened, seed)
            for of in callers
            for way, opened in (
                ("gRPC", lambda after, of=of: of.a_grpc(self._random).feed(after)),
                ("SSE", lambda after, of=of: of.a_rest(self._random).feed(after)),
            )
        }
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def errors(self) -> Counter[str]:
        return sum((reader.errors for reader in self._readers.values()), Counter[str]())

    @property
    def wrong(self) -> list[str]:
        return [sentence for reader in self._readers.values() for sentence in reader.wrong]

    @property
    def read(self) -> int:
        return sum(len(reader.seen) for reader in self._readers.values())

    def start(self) -> None:
        self._tasks = [asyncio.create_task(reader.run()) for reader in self._readers.values()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def verdict(self, url: str) -> list[str]:
        """When nothing more is stored: every reader has seen every event of its tenant once, in order."""
        session = await asyncpg.connect(driver_dsn(url))
        try:
            await _until(lambda: _all_have_positions(session))
            rows = await session.fetch(_EXPECTED)
        finally:
            await session.close()
        expected = {key: [_seen(row) for row in rows if row["tenant"] == key[0]] for key in self._readers}
        await _until(lambda: self._have_read(expected))
        await self.stop()
        return [found for key, reader in self._readers.items() for found in _compared(reader, expected[key])]

    async def _have_read(self, expected: Mapping[tuple[str, str], Sequence[Seen]]) -> bool:
        return all(len(reader.seen) >= len(expected[key]) for key, reader in self._readers.items())


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    """For a while; what is not reached then shows in the verdict."""
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        if await condition():
            return
        await asyncio.sleep(POLL_SECONDS)


async def _all_have_positions(session: asyncpg.Connection) -> bool:
    """The readers give them."""
    return bool(await session.fetchval("SELECT NOT EXISTS (SELECT FROM feed WHERE last IS NULL)"))


def _seen(row: asyncpg.Record) -> Seen:
    return Seen(row["position"], row["execution_id"], row["sequence"])


def _compared(reader: FeedReader, expected: Sequence[Seen]) -> list[str]:
    if reader.seen == expected:
        return []
    missing, others = sorted({*expected} - {*reader.seen})[:SHOWN], sorted({*reader.seen} - {*expected})[:SHOWN]
    sentence = f"{reader.name}: {len(reader.seen)} of {len(expected)} events"
    return [f"{sentence}; missing {missing}, not stored {others}, or in another order"]
