from datetime import timedelta

import pytest

from app.cli.screen.progress import Progress, TaskProgress, duration, lines_that_fit
from app.client.entries import entry_of
from tests.support.scripted_service import BEGIN, update, whole_history


def after(count: int, final: str = "COMPLETED") -> Progress:
    progress = Progress()
    for message in whole_history(final)[:count]:
        progress.take(entry_of(message))
    return progress


def test_a_task_appears_when_it_begins():
    assert after(2).tasks == {}
    [read] = after(3).tasks.values()
    assert (read.name, read.status, read.attempt, read.message) == ("read", "running", 1, "")


def test_a_retry_shows_its_reason_until_the_next_attempt_begins():
    load = after(6).tasks["id-load"]
    assert (load.status, load.attempt, load.message) == ("retrying", 1, "no answer within 1 s")
    load = after(7).tasks["id-load"]
    assert (load.status, load.attempt, load.message) == ("running", 2, "")


def test_the_newest_report_stays_after_the_task():
    load = after(9).tasks["id-load"]
    assert (load.status, load.message) == ("completed", "3 rows written")


def test_time_of_a_task_counts_from_its_first_attempt_to_its_end():
    later = BEGIN + timedelta(seconds=60)
    assert after(10).tasks["id-load"].seconds(later) == pytest.approx(0.4)
    assert after(7).tasks["id-load"].seconds(BEGIN + timedelta(seconds=1)) == pytest.approx(0.5)


def test_time_never_runs_backwards_on_a_slow_clock():
    assert after(7).tasks["id-load"].seconds(BEGIN - timedelta(hours=1)) == 0


def test_the_whole_keeps_its_output_and_stops_its_clock():
    whole = after(10)
    assert (whole.status, whole.percent, whole.message) == ("completed", 100, "Execution completed")
    assert whole.output == '{"load": {"rows": 3}}'
    assert whole.seconds(BEGIN + timedelta(days=1)) == pytest.approx(0.9)


def test_a_history_joined_late_knows_no_beginning():
    progress = Progress()
    progress.take(entry_of(update(9, task="load", task_status="TASK_COMPLETED")))
    assert progress.tasks["id-load"].seconds(BEGIN) is None


def test_what_runs_or_failed_is_shown_before_what_ended():
    statuses = ["completed", "failed", "completed", "running", "completed", "retrying", "completed"]
    tasks = [TaskProgress(f"t{number}", status) for number, status in enumerate(statuses)]
    shown, others = lines_that_fit(tasks, 5)
    assert [task.name for task in shown] == ["t1", "t3", "t5", "t6"]
    assert others == "and 3 more: 3 completed"


def test_what_comes_next_is_shown_before_what_ended_and_what_comes_later():
    statuses = ["completed", "completed", "running", "pending", "pending", "pending"]
    tasks = [TaskProgress(f"t{number}", status) for number, status in enumerate(statuses)]
    shown, others = lines_that_fit(tasks, 4)
    assert [task.name for task in shown] == ["t2", "t3", "t4"]
    assert others == "and 3 more: 2 completed, 1 pending"


def test_the_whole_plan_is_there_before_anything_begins():
    progress = Progress()
    progress.expect([("id-read", "read"), ("id-check", "check"), ("id-load", "load")])
    assert [(task.name, task.status) for task in progress.tasks.values()] == [
        ("read", "pending"),
        ("check", "pending"),
        ("load", "pending"),
    ]
    for message in whole_history()[:5]:
        progress.take(entry_of(message))
    assert [task.status for task in progress.tasks.values()] == ["completed", "pending", "running"]
    assert progress.tasks["id-check"].seconds(BEGIN) is None


def test_a_task_that_was_not_expected_follows_the_plan():
    progress = Progress()
    progress.expect([("id-read", "read")])
    progress.take(entry_of(update(1, task="undo", task_status="TASK_RUNNING")))
    assert [task.name for task in progress.tasks.values()] == ["read", "undo"]


def test_tasks_that_fit_are_all_shown():
    tasks = [TaskProgress("a"), TaskProgress("b")]
    assert lines_that_fit(tasks, 2) == (tasks, "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.04, "0.0 s"), (59.9, "59.9 s"), (65, "1:05"), (3_725.9, "1:02:05")]
)
def test_durations(seconds: float | None, text: str):
    assert duration(seconds) == text
