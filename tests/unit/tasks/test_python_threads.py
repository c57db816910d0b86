"""Where plain functions of `python` tasks run: bounded, cancellable while they wait, never in the way of an exit."""

import asyncio
import sys
import threading
from functools import partial

import pytest

PATIENCE_SECONDS = 300.0
"""No thread is left behind by a test that fails."""


async def happened(event: threading.Event) -> None:
    """Wait for what another thread does, without blocking the loop."""
    while not event.is_set():
        await asyncio.sleep(0)


async def test_a_cancelled_attempt_returns_at_once_and_its_thread_stays_taken(handler, attempt) -> None:
    entered, leave, done = threading.Event(), threading.Event(), threading.Event()

    def stuck() -> None:
        entered.set()
        leave.wait(PATIENCE_SECONDS)
        done.set()

    one = handler(threads=1, stuck=stuck, is_after=done.is_set)
    running = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    await happened(entered)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not done.is_set()

    waiting = asyncio.create_task(one.run(attempt({"function": "is_after"})))
    await asyncio.sleep(0)
    leave.set()
    assert await waiting is True


async def test_a_cancelled_coroutine_function_is_cancelled(handler, attempt) -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        entered.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(handler(f=wait).run(attempt({"function": "f"})))
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_attempt_cancelled_before_its_turn_never_runs(handler, attempt) -> None:
    leave, calls = threading.Event(), []
    one = handler(threads=1, stuck=partial(leave.wait, PATIENCE_SECONDS), call=lambda: calls.append(1))
    stuck = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    waiting = asyncio.create_task(one.run(attempt({"function": "call"})))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    await stuck
    assert await one.run(attempt({"function": "call"})) is None
    assert calls == [1]


async def test_no_more_threads_than_allowed_run_at_once(handler, attempt) -> None:
    """Three run together, each time, and a fourth thread is never started."""
    together = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    threads = set()

    def meet() -> None:
        threads.add(threading.get_ident())
        together.wait()

    one = handler(threads=3, meet=meet)
    await asyncio.gather(*(one.run(attempt({"function": "meet"})) for _ in range(21)))
    assert len(threads) == 3


async def test_a_stuck_function_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, threading
from app.tasks.threads import WorkerThreads
async def main():
    threads, entered = WorkerThreads(2), threading.Event()
    threads.submit(lambda: (entered.set(), threading.Event().wait()))
    entered.wait()
    threads.close()
    print("closed", flush=True)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert (output, process.returncode) == (b"closed\n", 0)


async def test_closed_threads_cancel_what_waits_and_take_nothing_new(handler, attempt) -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait() -> bool:
        entered.set()
        return leave.wait(PATIENCE_SECONDS)

    one = handler(threads=1, stuck=wait)
    stuck, waiting = (asyncio.create_task(one.run(attempt({"function": "stuck"}))) for _ in range(2))
    await happened(entered)
    await one.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    assert await stuck is True
    with pytest.raises(RuntimeError, match="closed"):
        await one.run(attempt({"function": "stuck"}))
