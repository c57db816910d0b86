"""What running attempts report of themselves, merged so that a handler that reports often cannot flood the history."""

import asyncio
import threading
from collections.abc import Callable

from app.engine.deciding.event_data import ProgressData, progress_data

Write = Callable[[int, int, ProgressData], bool]


def _write_nothing(index: int, number: int, data: ProgressData) -> bool:
    return False


class ProgressReports:
    """Per task at most one report is being written; of those that come meanwhile, the newest follows.

    `write(index, attempt, data)` hands a report to the recorder; it returns false when the attempt has ended.
    """

    __slots__ = ("_being_written", "_loop", "_thread", "_waiting", "_write")

    def __init__(self, write: Write) -> None:
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._being_written: dict[int, None] = {}
        self._waiting: dict[int, tuple[int, ProgressData]] = {}

    def report(self, index: int, number: int, percent: float | None, message: str) -> None:
        """Callable from any thread. Raise `ValueError` when `percent` is not from 0 to 100.

        The data is made here, so that what cannot be encoded is an error of the handler that reports it.
        """
        if percent is not None and not 0 <= percent <= 100:
            raise ValueError(f"percent must be from 0 to 100, not {percent}")
        data = progress_data(percent, str(message))
        if threading.get_ident() == self._thread:
            self._take(index, number, data)
        else:
            self._loop.call_soon_threadsafe(self._take, index, number, data)

    def written(self, index: int) -> None:
        """The task's report is stored; write the newest that came since."""
        self._being_written.pop(index, None)
        if (waiting := self._waiting.pop(index, None)) is not None:
            self._take(index, *waiting)

    def unwritten(self, index: int, number: int) -> ProgressData | None:
        """The report of attempt `number` that still waits when the attempt ends."""
        of, data = self._waiting.pop(index, (0, None))
        return data if of == number else None

    def close(self) -> None:
        """Write nothing more. Lets go of the writer, which holds this, so that no cycle is left."""
        self._write = _write_nothing

    def _take(self, index: int, number: int, data: ProgressData) -> None:
        if index in self._being_written:
            # The thread of an attempt that has timed out may still report; its reports must not replace those of
            # the next attempt.
            if number >= self._waiting.get(index, (0, data))[0]:
                self._waiting[index] = (number, data)
        elif self._write(index, number, data):
            self._being_written[index] = None
