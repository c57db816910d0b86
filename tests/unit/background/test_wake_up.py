"""Wake-ups: kept when nothing waits, many as one, and never waited for longer than asked."""

import asyncio

from app.background.wake_up import WakeUp


async def test_a_wake_up_ends_the_wait() -> None:
    wake_up = WakeUp()
    waiting = asyncio.create_task(wake_up.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    wake_up.wake()
    await waiting


async def test_what_came_while_nothing_waited_ends_the_next_wait_and_no_other() -> None:
    wake_up = WakeUp()
    wake_up.wake()
    wake_up.wake()
    await wake_up.wait()
    again = asyncio.create_task(wake_up.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


async def test_the_wait_ends_by_itself() -> None:
    await WakeUp().wait(0.001)
