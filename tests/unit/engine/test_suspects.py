"""The turns of attempts that may be what stops engines."""

import asyncio
from uuid import uuid4

from app.engine.running.suspects import ALONE_SECONDS, Suspects
from tests.support.virtual_time import in_virtual_time

A, B, C = (uuid4(), 0), (uuid4(), 0), (uuid4(), 1)


class Asking:
    """Asks for turns, and again when told to, as long as it is interested."""

    def __init__(self) -> None:
        self.suspects = Suspects()
        self.started = []
        self.not_interested = set()

    def ask(self, key) -> None:
        if key not in self.not_interested and self.suspects.admit(key, lambda: self.ask(key)):
            self.started.append(key)


@in_virtual_time
async def test_one_after_the_other() -> None:
    asking = Asking()
    for key in (A, B, C):
        asking.ask(key)
    assert asking.started == [A]
    asking.suspects.release(A)
    await asyncio.sleep(0)
    assert asking.started == [A, B]
    asking.suspects.release(B)
    await asyncio.sleep(0)
    assert asking.started == [A, B, C]


@in_virtual_time
async def test_one_that_asks_twice_waits_once() -> None:
    asking = Asking()
    for key in (A, B, B, A):
        asking.ask(key)
    assert asking.started == [A, A]
    for key in (A, B):
        asking.suspects.release(key)
        await asyncio.sleep(0)
    assert asking.started == [A, A, B]


@in_virtual_time
async def test_the_turn_passes_over_what_does_not_start_any_more() -> None:
    asking = Asking()
    for key in (A, B, C):
        asking.ask(key)
    asking.not_interested.add(B)
    asking.suspects.release(A)
    await asyncio.sleep(0)
    assert asking.started == [A, C]


@in_virtual_time
async def test_one_that_waits_can_leave() -> None:
    asking = Asking()
    for key in (A, B, C):
        asking.ask(key)
    asking.suspects.release(B)
    asking.suspects.release(A)
    await asyncio.sleep(0)
    assert asking.started == [A, C]


@in_virtual_time
async def test_a_turn_ends_after_its_time_and_its_timer_does_not_end_the_next_one() -> None:
    asking = Asking()
    for key in (A, B, C):
        asking.ask(key)
    await asyncio.sleep(ALONE_SECONDS / 2)
    asking.suspects.release(A)
    await asyncio.sleep(ALONE_SECONDS * 0.75)
    assert asking.started == [A, B]
    await asyncio.sleep(ALONE_SECONDS / 2)
    assert asking.started == [A, B, C]


@in_virtual_time
async def test_no_one_gets_the_turn_of_one_that_leaves_together_with_it() -> None:
    asking = Asking()
    for key in (A, B):
        asking.ask(key)
    for key in (A, B):
        asking.suspects.release(key)
    await asyncio.sleep(0)
    assert asking.started == [A]
