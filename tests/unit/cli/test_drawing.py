import io
import json
from datetime import datetime, timedelta

import pytest

from app.cli.screen.console import Output
from app.cli.screen.drawing import IdDrawing, JsonDrawing, PlainDrawing
from app.cli.screen.live_drawing import LINES_BESIDE_TASKS, LiveDrawing
from app.cli.screen.printable import printable
from app.cli.screen.times import Times
from app.client.entries import entry_of
from app.domain.documents import rfc3339
from tests.support.scripted_service import BEGIN, EXECUTION, update, whole_history


def output(width: int = 80, height: int = 24, encoding: str = "utf-8", *, terminal: bool = False) -> Output:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Output(file=file, width=width, height=height, force_terminal=terminal, highlight=False, color_system=None)


def written(to: Output) -> str:
    to.file.flush()
    return to.file.buffer.getvalue().decode()  # type: ignore[attr-defined]


def drawn(to: Output, count: int = 10, final: str = "COMPLETED", now: datetime = BEGIN + timedelta(seconds=2)) -> str:
    drawing = LiveDrawing(to, "orders", now=lambda: now)
    for message in whole_history(final)[:count]:
        drawing.show(entry_of(message))
    to.print(drawing.frame())
    return written(to)


def test_plain_lines_carry_number_time_share_status_and_message():
    to = output()
    with PlainDrawing(to, "orders") as drawing:
        for message in whole_history():
            drawing.show(entry_of(message))
    assert written(to).splitlines() == [
        f"workflow orders, execution {EXECUTION}",
        "   1     0.0 s    0%  pending    Execution accepted",
        "   2     0.1 s    0%  running    Execution started",
        "   3     0.2 s    0%  running    Task 'read' started",
        "   4     0.3 s   50%  running    Task 'read' completed",
        "   5     0.4 s   50%  running    Task 'load' started",
        "   6     0.5 s   50%  running    Attempt 1 of task 'load' failed and will be repeated: no answer within 1 s",
        "   7     0.6 s   50%  running    Task 'load' started again, attempt 2",
        "   8     0.7 s   75%  running    load: 3 rows written",
        "   9     0.8 s  100%  running    Task 'load' completed",
        "  10     0.9 s  100%  completed  Execution completed",
        'output  {"load": {"rows": 3}}',
    ]


def test_a_watched_workflow_goes_by_its_id():
    to = output()
    PlainDrawing(to).show(entry_of(update(1, "PENDING")))
    assert written(to).startswith("workflow 7, execution")


def test_long_output_is_cut():
    to = output()
    PlainDrawing(to).show(entry_of(update(1, "COMPLETED", output=json.dumps("x" * 5_000))))
    assert written(to).rstrip().endswith("x… (5002 characters)")


def test_json_has_everything_of_an_entry():
    to = output()
    for message in whole_history()[5:6] + whole_history()[-1:]:
        JsonDrawing(to).show(entry_of(message))
    retry, end = (json.loads(line) for line in written(to).splitlines())
    assert retry == {
        "execution_id": EXECUTION,
        "workflow_id": 7,
        "sequence": 6,
        "occurred_at": "2026-01-02T03:04:05.600000Z",
        "status": "running",
        "progress_percent": 50,
        "task_id": "id-load",
        "task_name": "load",
        "task_status": "retrying",
        "attempt": 1,
        "message": "Attempt 1 of task 'load' failed and will be repeated: no answer within 1 s",
        "output": None,
        "error": {"code": "timeout", "message": "no answer within 1 s"},
        "waits_for": None,
    }
    assert (end["task_id"], end["task_status"], end["output"]) == (None, None, {"load": {"rows": 3}})


def waiting(sequence: int, task: str, signal: str = "", seconds: float | None = None, **fields):
    message = update(sequence, task=task, task_status="TASK_RUNNING", message="as the service says it", **fields)
    message.waits_for.signal = signal
    if seconds is not None:
        message.waits_for.until.FromDatetime(BEGIN + timedelta(seconds=seconds))
    return message


def local(seconds: float) -> str:
    return Times().brief(rfc3339(BEGIN + timedelta(seconds=seconds)))


def test_json_has_what_a_task_waits_for():
    to = output()
    for message in (waiting(3, "ask", "approved", 60), waiting(4, "ask", "approved"), waiting(5, "pause", seconds=60)):
        JsonDrawing(to).show(entry_of(message))
    assert [json.loads(line)["waits_for"] for line in written(to).splitlines()] == [
        {"signal": "approved", "until": "2026-01-02T03:05:05.000000Z"},
        {"signal": "approved", "until": None},
        {"signal": None, "until": "2026-01-02T03:05:05.000000Z"},
    ]


def test_plain_lines_say_what_a_task_waits_for_and_how_to_continue_it():
    to = output(width=200)
    with PlainDrawing(to, "orders", lambda execution, signal: f"send {signal} to {execution}") as drawing:
        drawing.show(entry_of(waiting(1, "ask", "approved", 60)))
        drawing.show(entry_of(waiting(2, "ask", "approved", attempt=2)))
        drawing.show(entry_of(waiting(3, "pause", seconds=60)))
    assert [line.split("running    ")[1] for line in written(to).splitlines()[1:]] == [
        f"Task 'ask' waits for signal 'approved' until {local(60)}; send it with: send approved to {EXECUTION}",
        f"Task 'ask', attempt 2: waits for signal 'approved'; send it with: send approved to {EXECUTION}",
        f"Task 'pause' waits until {local(60)}",
    ]


def retrying(seconds: float):
    message = update(3, task="shaky", task_status="TASK_RETRYING", message="Attempt 1 of task 'shaky' failed: no luck")
    message.error.code, message.error.message = "failed", "no luck"
    message.waits_for.until.FromDatetime(BEGIN + timedelta(seconds=seconds))
    return entry_of(message)


def test_a_failed_attempt_keeps_its_reason_and_the_live_view_adds_when_the_next_one_starts():
    plain, live = output(width=200), output(width=100)
    with PlainDrawing(plain, "orders") as drawing:
        drawing.show(retrying(60))
    assert written(plain).rstrip().endswith("Attempt 1 of task 'shaky' failed: no luck")
    drawing = LiveDrawing(live, "orders", now=lambda: BEGIN)
    drawing.show(retrying(60))
    live.print(drawing.frame())
    assert f"waits until {local(60)}; no luck" in written(live)


def test_the_live_view_shows_what_is_waited_for_and_the_line_to_paste():
    to = output(width=78)
    drawing = LiveDrawing(to, "orders", now=lambda: BEGIN)
    drawing.show(entry_of(waiting(3, "ask", "approved", 60)))
    drawing.show(entry_of(waiting(4, "pause", seconds=60)))
    to.print(drawing.frame())
    shown = written(to)
    assert f"waits for signal 'approved' until {local(60)}" in shown
    assert f"waits until {local(60)}" in shown
    assert f"workflow signal {EXECUTION} approved --payload '{{}}'" in [line.strip() for line in shown.splitlines()]

    drawing.show(entry_of(update(5, task="ask", task_status="TASK_COMPLETED", message="Task 'ask' completed")))
    to.print(drawing.frame())
    assert "workflow signal" not in written(to).removeprefix(shown)


def test_a_line_to_paste_that_is_too_long_for_the_terminal_has_the_short_id():
    to = output(width=60)
    drawing = LiveDrawing(to, "orders", now=lambda: BEGIN)
    drawing.show(entry_of(waiting(3, "ask", "approved")))
    to.print(drawing.frame())
    assert f"workflow signal {EXECUTION[-8:]} approved --payload '{{}}'" in written(to)


def test_a_newer_service_may_send_words_that_are_not_known_here():
    message = update(1, task="a")
    message.status, message.task_status = 99, 98  # type: ignore[assignment]
    entry = entry_of(message)
    assert (entry.status, entry.task_status) == ("status 99", "status 98")


def test_quiet_prints_the_id_once():
    to = output()
    drawing = IdDrawing(to)
    for message in whole_history():
        drawing.show(entry_of(message))
    assert written(to) == f"{EXECUTION}\n"


def test_a_running_execution_is_drawn_with_a_line_per_task():
    lines = drawn(output(), count=8).splitlines()
    assert lines[0].split() == ["workflow", "orders", EXECUTION]
    assert lines[1].split() == ["✓", "read", "0.1", "s"]
    assert lines[2].split() == ["⠋", "load", "attempt", "2", "1.5", "s", "3", "rows", "written"]
    assert lines[3].split()[1:] == ["75%", "running", "1.9", "s"]


def test_tasks_that_have_not_begun_are_drawn_too():
    for encoding, glyph in (("utf-8", "·"), ("ascii", ".")):
        to = output(encoding=encoding)
        drawing = LiveDrawing(to, "7", now=lambda: BEGIN + timedelta(seconds=2))
        drawing.expect("orders", [("id-read", "read"), ("id-load", "load"), ("id-tell", "tell")])
        for message in whole_history()[:4]:
            drawing.show(entry_of(message))
        to.print(drawing.frame())
        lines = written(to).splitlines()
        assert lines[0].split() == ["workflow", "orders", EXECUTION]
        assert [line.split() for line in lines[2:4]] == [[glyph, "load"], [glyph, "tell"]]


def test_a_watched_workflow_goes_by_its_name_once_it_is_known():
    to = output()
    drawing = PlainDrawing(to)
    assert drawing.wants_plan
    drawing.expect("orders", [])
    drawing.show(entry_of(update(1, "PENDING")))
    assert written(to).startswith("workflow orders, execution")
    assert PlainDrawing(to, "7").wants_plan
    assert not PlainDrawing(to, "orders").wants_plan


def test_a_failed_execution_shows_why():
    lines = drawn(output(), final="FAILED").splitlines()
    assert lines[2].split()[0] == "✗"
    assert lines[3].split()[1:] == ["100%", "failed", "0.9", "s"]
    assert lines[4] == "Execution failed"


def test_terminals_without_unicode_get_ascii():
    assert drawn(output(encoding="ascii")).isascii()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (20, 6), (10, 2)])
def test_the_drawing_fits_the_terminal(width: int, height: int):
    to = output(width, height)
    drawing = LiveDrawing(to, "orders", now=lambda: BEGIN)
    for number in range(50):
        drawing.show(entry_of(update(number + 1, task=f"a task with a long name {number}", task_status="TASK_RUNNING")))
    drawing.notice("connection lost")
    to.print(drawing.frame())
    lines = written(to).splitlines()
    assert all(len(line) <= width for line in lines)
    assert len(lines) <= max(height, LINES_BESIDE_TASKS)


def test_notices_leave_with_the_next_entry():
    to = output()
    drawing = LiveDrawing(to, now=lambda: BEGIN)
    drawing.notice("connection lost")
    to.print(drawing.frame())
    assert "connection lost" in written(to)
    drawing.show(entry_of(update(1)))
    assert "connection lost" not in written(to).split("\n", 4)[-1]


def test_messages_cannot_steer_the_terminal():
    evil = update(1, message="a\x1b[2Jb\r\nc\u202ed")
    plain = output()
    PlainDrawing(plain).show(entry_of(evil))
    assert written(plain).splitlines()[1].endswith("a\\x1b[2Jb\\r c\\u202ed")
    live = output()
    drawing = LiveDrawing(live, now=lambda: BEGIN)
    drawing.show(entry_of(update(1, task="t\x1b]0;x\x07", task_status="TASK_RUNNING")))
    live.print(drawing.frame())
    assert "\x1b" not in written(live)


def test_printable_keeps_ordinary_text():
    assert printable("Größe: 5 ✓ [bold]") == "Größe: 5 ✓ [bold]"
