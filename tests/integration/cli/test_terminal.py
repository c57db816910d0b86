"""The command as a process: what a terminal shows, what Ctrl-C and a closed pipe do."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, holds, plays, whole_history

WAIT_SECONDS = 120

# A suite that runs in the background of a shell ignores SIGINT, and so would its children.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from app.cli import main
main()
"""


def started(
    service: ScriptedService, *words: str, stdout: int = subprocess.PIPE, rest_url: str = "http://127.0.0.1:1"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env=os.environ
        | {
            "WORKFLOW_GRPC_TARGET": service.target,
            "WORKFLOW_REST_URL": rest_url,
            "TERM": "xterm-256color",
            "COLUMNS": "100",
        },
    )


def test_ctrl_c_detaches_and_tells_how_to_come_back(grpc_service: ScriptedService):
    sent = Event()
    grpc_service.scenes = [holds(*whole_history()[:3], sent=sent)]
    with started(grpc_service, "run", "orders") as process:
        assert sent.wait(WAIT_SECONDS)
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert lines[-1].endswith("Task 'read' started\n")
    assert process.returncode == 130
    assert stderr == (
        "detached; the execution continues. Follow it with: "
        f"workflow watch {EXECUTION} --after 3 --grpc-target {grpc_service.target}\n"
    )


def test_ctrl_c_before_any_answer_tells_how_to_find_out(grpc_service: ScriptedService):
    sent = Event()
    grpc_service.scenes = [holds(sent=sent)]
    with started(grpc_service, "run", "orders", "--idempotency-key", "k1") as process:
        assert sent.wait(WAIT_SECONDS)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.startswith(f"interrupted before the service at {grpc_service.target} answered. Whether")
    assert stderr.endswith("--idempotency-key k1\n")


@pytest.mark.parametrize(("final", "glyph", "code"), [("COMPLETED", "✓", 0), ("FAILED", "✗", 1)])
def test_a_terminal_gets_a_drawing(grpc_service: ScriptedService, final: str, glyph: str, code: int):
    grpc_service.scenes = [plays(*whole_history(final))]
    ours, theirs = pty.openpty()
    with started(grpc_service, "run", "orders", stdout=theirs) as process:
        os.close(theirs)
        shown = everything(ours)
        assert process.wait(WAIT_SECONDS) == code
    assert "\x1b[" in shown
    assert f"{glyph} \x1b[0mload" in shown
    assert final.lower() in shown


@pytest.fixture
def plan(rest_service: RestStandIn) -> RestStandIn:
    """The REST service knows the execution and its tasks."""
    tasks = [{"id": f"id-{name}", "name": name} for name in ("read", "load", "report")]
    rest_service.workflows = {"orders": {"id": 7, "key": "orders", "name": "Orders", "tasks": tasks}}
    rest_service.executions = {EXECUTION: {"id": EXECUTION, "workflow_id": 7, "revision": 3}}
    return rest_service


@pytest.mark.parametrize(("after", "is_planned"), [(0, True), (4, False)], ids=["whole", "joined late"])
def test_a_terminal_shows_the_whole_plan_and_the_workflow_s_name(
    grpc_service: ScriptedService, plan: RestStandIn, after: int, is_planned: bool
):
    grpc_service.scenes = [plays(*whole_history()[after:])]
    ours, theirs = pty.openpty()
    words = ("watch", EXECUTION, "--after", str(after))
    with started(grpc_service, *words, stdout=theirs, rest_url=plan.url) as process:
        os.close(theirs)
        shown = everything(ours)
        assert process.wait(WAIT_SECONDS) == 0
    assert "workflow orders" in shown
    assert ("report" in shown) is is_planned
    assert ("·" in shown) is is_planned
    assert ("GET", "/api/v1/workflows/7/revisions/3") in plan.calls


def test_a_drawing_of_nothing_leaves_nothing(grpc_service: ScriptedService):
    grpc_service.scenes = [plays()] * 3
    ours, theirs = pty.openpty()
    with started(grpc_service, "watch", EXECUTION, stdout=theirs) as process:
        os.close(theirs)
        shown = everything(ours)
        assert process.wait(WAIT_SECONDS) == 2
    assert shown.rstrip("\x1b[?25h\r\n").endswith("\x1b[2K")


def test_a_reader_that_went_away_ends_the_command_with_a_code_of_its_own(grpc_service: ScriptedService):
    sent = Event()

    def scene(request, context):
        yield whole_history()[0]
        sent.wait(WAIT_SECONDS)
        yield from whole_history()[1:]

    grpc_service.scenes = [scene]
    with started(grpc_service, "run", "orders") as process:
        process.stdout.readline()
        process.stdout.close()
        sent.set()
        assert process.wait(WAIT_SECONDS) == 141
        assert process.stderr.read() == ""


def everything(terminal: int) -> str:
    """All that was written until the other side closed."""
    chunks = []
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:
            chunk = b""
        if not chunk:
            os.close(terminal)
            return b"".join(chunks).decode()
        chunks.append(chunk)


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "app.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], timeout=WAIT_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: workflow" in done.stdout
