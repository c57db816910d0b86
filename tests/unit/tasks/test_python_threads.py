"""Where plain functions of `python` tasks run: bounded, cancellable while they wait, never in the way of an exit."""

import asyncio
import sys
import threading
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

PATIENCE_SECONDS = 300.0
"""No thread is left behind by a test that fails."""


async def happened(event: threading.Event) -> None:
    """Wait for what another thread does, without blocking the loop."""
    while not event.is_set():
        await asyncio.sleep(0)


class Stuck:
    """A function that does not return before `leave` is set."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.leave = threading.Event()
        self.left = threading.Semaphore(0)

    def __call__(self) -> None:
        self.entered.release()
        self.leave.wait(PATIENCE_SECONDS)
        self.left.release()


async def passed(semaphore: threading.Semaphore) -> None:
    """Wait for what another thread does, without blocking the loop."""
    while not semaphore.acquire(blocking=False):
        await asyncio.sleep(0)


async def cancelled_while_it_runs(one, attempt, stuck: Stuck) -> None:
    running = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    await passed(stuck.entered)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_cancelled_attempt_returns_at_once_and_another_thread_takes_the_place_of_its_own(
    handler, attempt
) -> None:
    stuck = Stuck()
    one = handler(threads=1, stuck=stuck, call=lambda: 42)
    with capture_logs() as logs:
        await cancelled_while_it_runs(one, attempt, stuck)
    assert await one.run(attempt({"function": "call"})) == 42
    assert not stuck.left.acquire(blocking=False)
    assert [(entry["event"], entry["function"], entry["thread"]) for entry in logs] == [
        ("python_function_left_running", "stuck", "replaced")
    ]
    stuck.leave.set()


async def test_only_as_many_threads_are_replaced_as_there_are_places(handler, attempt) -> None:
    stuck = Stuck()
    one = handler(threads=2, stuck=stuck, call=lambda: 42)
    with capture_logs() as logs:
        for _ in range(4):
            await cancelled_while_it_runs(one, attempt, stuck)
    assert [entry["thread"] for entry in logs] == ["replaced"] * 2 + ["not replaced: too many are"] * 2
    waiting = asyncio.create_task(one.run(attempt({"function": "call"})))
    await asyncio.sleep(0)
    assert not waiting.done()
    stuck.leave.set()
    assert await waiting == 42


async def test_a_thread_that_was_replaced_ends_and_can_be_replaced_again(handler, attempt) -> None:
    stuck = Stuck()
    one = handler(threads=1, stuck=stuck, thread=threading.get_ident)
    for _ in range(5):
        former = await one.run(attempt({"function": "thread"}))
        await cancelled_while_it_runs(one, attempt, stuck)
        assert await one.run(attempt({"function": "thread"})) != former
        stuck.leave.set()
        await passed(stuck.left)
        while former in {thread.ident for thread in threading.enumerate()}:
            await asyncio.sleep(0)
        stuck.leave.clear()


async def test_threads_are_given_to_workflows_in_turn(handler, attempt) -> None:
    stuck, calls = Stuck(), []
    one = handler(threads=1, stuck=stuck, call=lambda name: calls.append(name))

    def called(workflow_id: int, name: str) -> asyncio.Task[None]:
        asked = replace(attempt({"function": "call", "arguments": {"name": name}}), workflow_id=workflow_id)
        return asyncio.create_task(one.run(asked))

    first = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    await passed(stuck.entered)
    tasks = [called(7, "a1"), called(7, "a2"), called(7, "a3"), called(8, "b1"), called(9, "c1"), called(8, "b2")]
    await asyncio.sleep(0)
    stuck.leave.set()
    await asyncio.gather(first, *tasks)
    assert calls == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_threads_are_given_to_tenants_in_turn(handler, attempt) -> None:
    stuck, calls = Stuck(), []
    one = handler(threads=1, stuck=stuck, call=lambda name: calls.append(name))

    def called(tenant_id: int, workflow_id: int, name: str) -> asyncio.Task[None]:
        asked = attempt({"function": "call", "arguments": {"name": name}})
        return asyncio.create_task(one.run(replace(asked, tenant_id=tenant_id, workflow_id=workflow_id)))

    first = asyncio.create_task(one.run(attempt({"function": "stuck"})))
    await passed(stuck.entered)
    tasks = [called(2, number, f"a{number}") for number in range(4)] + [called(3, 9, "b1"), called(3, 9, "b2")]
    await asyncio.sleep(0)
    stuck.leave.set()
    await asyncio.gather(first, *tasks)
    assert calls == ["a0", "b1", "a1", "b2", "a2", "a3"]


async def test_one_workflow_does_not_get_all_threads(handler, attempt) -> None:
    stuck = Stuck()
    one = handler(threads=16, stuck=stuck, call=lambda: 42)
    tasks = [asyncio.create_task(one.run(attempt({"function": "stuck"}))) for _ in range(30)]
    for _ in range(15):
        await passed(stuck.entered)
    assert await one.run(replace(attempt({"function": "call"}), workflow_id=-1)) == 42
    assert not stuck.entered.acquire(blocking=False)
    stuck.leave.set()
    await asyncio.gather(*tasks)


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
from app.domain.shares import Group
from app.tasks.threads import WorkerThreads
async def main():
    threads, entered = WorkerThreads(2), threading.Event()
    threads.submit(lambda: (entered.set(), threading.Event().wait()), Group(1, 1))
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
