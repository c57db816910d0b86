"""Where plain functions of `python` tasks run: bounded, cancellable while they wait, never in the way of an exit."""

import asyncio
import sys
import threading
import time
from functools import partial

import pytest


async def test_a_cancelled_attempt_returns_at_once_and_its_thread_stays_taken(handler, attempt) -> None:
    entered, leave, done = threading.Event(), threading.Event(), threading.Event()

    def stuck() -> None:
        entered.set()
        leave.wait(10)
        done.set()

    one = handler(threads=1, stuck=stuck, add=lambda a: a + 1)
    running = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    while not entered.is_set():
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not done.is_set()

    waiting = asyncio.create_task(one.run(attempt({"function": "add", "arguments": {"a": 1}})))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    leave.set()
    assert await waiting == 2
    assert done.is_set()


async def test_a_cancelled_coroutine_function_is_cancelled(handler, attempt) -> None:
    running = asyncio.create_task(handler(f=partial(asyncio.sleep, 60)).run(attempt({"function": "f"})))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_attempt_cancelled_before_its_turn_never_runs(handler, attempt) -> None:
    leave, calls = threading.Event(), []
    one = handler(threads=1, stuck=partial(leave.wait, 10), call=lambda: calls.append(1))
    stuck = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(one.run(attempt({"function": "call"})))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    await stuck
    assert await one.run(attempt({"function": "call"})) is None
    assert calls == [1]


async def test_no_more_threads_than_allowed_run_at_once(handler, attempt) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def count() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1

    one = handler(threads=3, count=count)
    await asyncio.gather(*(one.run(attempt({"function": "count"})) for _ in range(20)))
    assert most == 3


async def test_a_stuck_function_does_not_keep_the_process_alive() -> None:
    program = """
import asyncio, threading
from app.tasks.threads import WorkerThreads
async def main():
    threads = WorkerThreads(2)
    threads.submit(threading.Event().wait)
    await asyncio.sleep(0.05)
    threads.close()
    print("closed", flush=True)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (output, process.returncode) == (b"closed\n", 0)


async def test_closed_threads_cancel_what_waits_and_take_nothing_new(handler, attempt) -> None:
    leave = threading.Event()
    one = handler(threads=1, stuck=partial(leave.wait, 10))
    stuck, waiting = (asyncio.create_task(one.run(attempt({"function": "stuck"}))) for _ in range(2))
    await asyncio.sleep(0.01)
    await one.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    assert await stuck is True
    with pytest.raises(RuntimeError, match="closed"):
        await one.run(attempt({"function": "stuck"}))
