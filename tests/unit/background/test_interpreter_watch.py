"""What keeps the event loop from running is reported: while it lasts by stacks, afterwards by a log entry."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from app.background.interpreter_watch import InterpreterWatch

LIMIT = 0.2


def no_defect(error: Exception) -> None:
    raise error


def keep_the_loop_until_reported(report: Path) -> None:
    """Does not return before the stacks are written: another thread has to do that."""
    while b"keep_the_loop_until_reported" not in report.read_bytes():
        pass


async def block(report: Path) -> None:
    await asyncio.sleep(0)
    keep_the_loop_until_reported(report)


async def test_stacks_are_written_while_the_loop_is_blocked_and_the_attempts_are_named_after(tmp_path: Path) -> None:
    path = tmp_path / "stacks"
    with path.open("w") as file, capture_logs() as logs:
        watch = InterpreterWatch("attempt ", LIMIT, file)
        watch.start(no_defect)
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(asyncio.Event().wait(), name=name) for name in ("attempt b", "attempt a", "other")
        ]
        await block(path)
        while not logs:
            await asyncio.sleep(0)
        await watch.stop()
        for task in waiting:
            task.cancel()
    (entry,) = [entry for entry in logs if entry["event"] == "interpreter_blocked"]
    assert entry["running"] == ["attempt a", "attempt b"]
    assert entry["seconds"] >= LIMIT


async def test_nothing_is_reported_of_a_loop_that_runs(tmp_path: Path) -> None:
    path, now = tmp_path / "stacks", [0.0]
    with path.open("w") as file, capture_logs() as logs:
        watch = InterpreterWatch("attempt ", 1000.0, file, time=lambda: now[0])
        for _ in range(100):
            await watch._look()
            now[0] += 999.0
        await watch.stop()
    assert logs == []
    assert path.read_bytes() == b""
