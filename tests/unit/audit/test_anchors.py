"""The heads of all chains are noted at the start and every hour."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from app.audit.anchors import ANCHOR_SECONDS, Anchors
from app.audit.chain import EMPTY
from app.audit.entry import Head
from app.audit.ports import TenantHead


class Heads:
    def __init__(self) -> None:
        self.found = [TenantHead("default", Head(3, b"\x0a" * 32)), TenantHead("new", EMPTY)]

    async def heads(self) -> Sequence[TenantHead]:
        return self.found


async def test_each_chain_with_entries_is_noted():
    with capture_logs() as lines:
        await Anchors(Heads()).note()
    (line,) = lines
    assert line == {"event": "audit_head", "log_level": "info", "tenant": "default", "number": 3, "hash": "0a" * 32}


async def test_they_are_noted_at_the_start_and_after_each_hour():
    slept, go_on = list[float](), asyncio.Queue[None]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await go_on.get()

    heads = Heads()
    anchors = Anchors(heads, sleep)
    with capture_logs() as lines:
        anchors.start(pytest.fail)
        while not slept:
            await asyncio.sleep(0)
        heads.found = [TenantHead("default", Head(4, b"\x0b" * 32))]
        go_on.put_nowait(None)
        while len(slept) < 2:
            await asyncio.sleep(0)
        await anchors.stop()
    assert [line["number"] for line in lines] == [3, 4]
    assert set(slept) == {ANCHOR_SECONDS}
