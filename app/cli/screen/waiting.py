"""What a task waits for, as the command shows it: with local times, and with the line that continues it."""

from collections.abc import Callable

from app.cli.screen.times import Times
from app.domain.documents import rfc3339
from app.domain.waiting import Awaited, how_to_send

SignalCommand = Callable[[str, str], str]
"""The command line that sends a signal, from the execution's id and the signal's name."""


def wait_words(awaited: Awaited, times: Times) -> str:
    """`waits for signal 'approved' until 13:07:52`."""
    return awaited.words(times.brief(rfc3339(awaited.until)))


def wait_line(task_name: str | None, attempt: int, awaited: Awaited, command: str, times: Times) -> str:
    """As `wait_words`, with the task and with `command`, which sends the signal."""
    again = f", attempt {attempt}:" if attempt > 1 else ""
    words = f"Task {task_name or ''!r}{again} {wait_words(awaited, times)}"
    return words if awaited.sendable is None else f"{words}; {how_to_send(command)}"
