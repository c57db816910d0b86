"""Worker threads that do not prevent the process from exiting when a function is stuck.

`ThreadPoolExecutor` joins its threads when the interpreter exits; these are daemon threads, which it does not wait for.
Only the event loop's thread may call `submit` and `close`.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

_Call = tuple["Future[Any]", Callable[[], Any]]


class WorkerThreads:
    """At most `size` calls run at once; others wait in order. A thread is started when all others are busy."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._closed = False

    def submit(self, function: Callable[[], Any]) -> "Future[Any]":
        """Raise RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("the worker threads are closed")
        future: Future[Any] = Future()
        self._calls.put((future, function))
        if not self._idle.acquire(blocking=False) and self._started < self._size:
            self._started += 1
            threading.Thread(target=self._work, name=f"python-task-{self._started}", daemon=True).start()
        return future

    def close(self) -> None:
        """Cancel waiting calls. Running calls finish by themselves, or end with the process."""
        self._closed = True
        while (call := self._next_waiting()) is not None:
            call[0].cancel()
        for _ in range(self._started):
            self._calls.put(None)

    def _next_waiting(self) -> _Call | None:
        try:
            return self._calls.get_nowait()
        except Empty:
            return None

    def _work(self) -> None:
        """Work until the None that `close` puts into the queue for each thread."""
        while (call := self._calls.get()) is not None:
            _carry_out(*call)
            del call
            self._idle.release()


def _carry_out(future: "Future[Any]", function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - the caller's future carries it
        future.set_exception(error)
    else:
        future.set_result(result)
