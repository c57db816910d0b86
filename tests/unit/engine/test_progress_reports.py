"""Progress reports are merged: one is on its way at a time, the newest of the others follows."""

import asyncio
import threading
from math import inf, nan

import pytest

from app.engine.deciding.event_data import ProgressData, progress_data
from app.engine.running.progress import ProgressReports

A, B = 0, 1


class Writer:
    """Takes reports of attempts that are running."""

    def __init__(self) -> None:
        self.running = {A: 1, B: 1}
        self.written: list[tuple[int, int, float | None]] = []

    def __call__(self, index: int, number: int, data: ProgressData) -> bool:
        if self.running.get(index) != number:
            return False
        self.written.append((index, number, data.percent))
        return True


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
async def reports(writer: Writer) -> ProgressReports:
    return ProgressReports(writer)


async def test_the_first_report_is_written_at_once(reports: ProgressReports, writer: Writer) -> None:
    reports.report(A, 1, 10, "begun")
    assert writer.written == [(A, 1, 10)]


async def test_of_those_that_wait_the_newest_follows(reports: ProgressReports, writer: Writer) -> None:
    for percent in (10, 20, 30, None, 40):
        reports.report(A, 1, percent, "")
    reports.written(A)
    assert writer.written == [(A, 1, 10), (A, 1, 40)]
    reports.report(A, 1, 50, "")
    reports.written(A)
    reports.written(A)
    reports.report(A, 1, 60, "")
    assert writer.written[2:] == [(A, 1, 50), (A, 1, 60)]


async def test_tasks_do_not_wait_for_each_other(reports: ProgressReports, writer: Writer) -> None:
    reports.report(A, 1, 10, "")
    reports.report(B, 1, 20, "")
    assert writer.written == [(A, 1, 10), (B, 1, 20)]


async def test_the_last_words_of_an_attempt(reports: ProgressReports, writer: Writer) -> None:
    reports.report(A, 1, 10, "")
    assert reports.unwritten(A, 1) is None
    reports.report(A, 1, 99, "nearly")
    assert reports.unwritten(A, 1) == progress_data(99, "nearly")
    assert reports.unwritten(A, 1) is None


async def test_reports_after_the_end_are_dropped(reports: ProgressReports, writer: Writer) -> None:
    writer.running[A] = 2
    reports.report(A, 1, 10, "")
    reports.report(A, 2, 20, "")
    assert writer.written == [(A, 2, 20)]


async def test_an_earlier_attempt_does_not_speak_for_the_next(reports: ProgressReports, writer: Writer) -> None:
    """The thread of an attempt that timed out goes on and reports."""
    writer.running[A] = 2
    reports.report(A, 2, 10, "")
    reports.report(A, 1, 80, "")
    assert reports.unwritten(A, 2) is None
    reports.report(A, 1, 80, "")
    reports.report(A, 2, 20, "")
    reports.report(A, 1, 90, "")
    reports.written(A)
    assert writer.written == [(A, 2, 10), (A, 2, 20)]


async def test_reports_come_from_any_thread(reports: ProgressReports, writer: Writer) -> None:
    def work() -> None:
        for percent in range(100):
            reports.report(A, 1, percent, "from a thread")

    await asyncio.to_thread(work)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    await asyncio.sleep(0)
    assert writer.written == [(A, 1, 0)]
    reports.written(A)
    assert writer.written[1:] == [(A, 1, 99)]


@pytest.mark.parametrize("percent", [-0.1, 100.1, nan, inf])
async def test_a_percentage_is_from_0_to_100(reports: ProgressReports, percent: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 100"):
        reports.report(A, 1, percent, "")
