"""Worker threads that do not prevent the process from exiting when a function is stuck.

`ThreadPoolExecutor` joins its threads when the interpreter exits; these are daemon threads, which it does not wait for.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from app.background.fair_queue import FairQueue
from app.domain.shares import Group, TenantShares


@dataclass(slots=True, eq=False)
class Call:
    """A call that waits for a thread, or has one.

    - group: on whose behalf it is made
    - function: what is called
    - future: its result
    - has_place: false before it has a thread, and once a new thread has taken the place of that one
    """

    group: Group
    function: Callable[[], Any]
    future: "Future[Any]" = field(default_factory=Future)
    has_place: bool = False


class WorkerThreads:
    """Make calls in threads: at most `size` at once, of tenants in turn, and within a tenant of workflows in turn. No
    tenant, and no workflow, can have all threads.

    A thread cannot be stopped. So one whose call was abandoned gets a replacement; at most `size` of them at a time.
    """

    def __init__(self, size: int) -> None:
        self._shares = TenantShares(size)
        self._most_replaced = size
        self._replaced = 0
        self._number = 0
        self._idle = 0
        self._waiting: FairQueue[Call] = FairQueue()
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, function: Callable[[], Any], group: Group) -> Call:
        """Raise RuntimeError after `close`."""
        call = Call(group, function)
        with self._changed:
            if self._closed:
                raise RuntimeError("the worker threads are closed")
            self._waiting.put(group, call)
            self._let_one_work()
        return call

    def abandon(self, call: Call) -> bool | None:
        """The call's result is not wanted any more. It does not begin if it has not; else its thread is replaced.

        Return None if it did not begin or has ended, true if its thread is replaced, and false if too many are.
        """
        if call.future.cancel():
            return None
        with self._changed:
            if not call.has_place or call.future.done():
                return None
            if self._replaced >= self._most_replaced:
                return False
            self._replaced += 1
            self._give_place(call)
            self._let_one_work()
            return True

    def close(self) -> None:
        """Cancel waiting calls. Running calls finish by themselves, or end with the process."""
        with self._changed:
            self._closed = True
            for call in self._waiting.clear():
                call.future.cancel()
            self._changed.notify_all()

    def _let_one_work(self) -> None:
        self._changed.notify()
        if len(self._waiting) > self._idle and self._number < self._shares.size + self._replaced:
            self._number += 1
            threading.Thread(target=self._work, name=f"python-task-{self._number}", daemon=True).start()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            _carry_out(call)
            if not self._ended(call):
                return
            # Nothing of it is kept while the thread is idle.
            del call

    def _next(self) -> Call | None:
        """Wait for a call; None when there will be none."""
        with self._changed:
            while not self._closed:
                if (call := self._take()) is not None:
                    return call
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            self._number -= 1
            return None

    def _take(self) -> Call | None:
        found = self._waiting.pop(self._shares)
        if found is None:
            return None
        group, call = found
        self._shares.take(group)
        call.has_place = True
        return call

    def _ended(self, call: Call) -> bool:
        """Return false when the thread must end, because another one has taken its place."""
        with self._changed:
            if call.has_place:
                self._give_place(call)
                # A place that is free may be one for a group that had too many.
                if self._waiting:
                    self._changed.notify()
                return True
            self._replaced -= 1
            self._number -= 1
            return False

    def _give_place(self, call: Call) -> None:
        call.has_place = False
        self._shares.give(call.group)


def _carry_out(call: Call) -> None:
    if not call.future.set_running_or_notify_cancel():
        return
    try:
        result = call.function()
    except BaseException as error:  # noqa: BLE001 - the caller's future carries it
        call.future.set_exception(error)
    else:
        call.future.set_result(result)
