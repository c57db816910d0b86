"""`workflow up` as a user starts it: real processes, real ports, real signals."""

import asyncio
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from tests.support.databases import ask
from tests.support.processes import REPOSITORY, alive, descendants, eventually
from tests.support.tenant import needs_default

pytestmark = needs_default("starts the service on an empty database, which has no key")

PATIENCE_SECONDS = 120
LAST_LINE = "Ctrl-C stops everything."


@dataclass(frozen=True, slots=True)
class Up:
    """A running `workflow up` in a session of its own. `greeting` is what it said until it was ready."""

    process: subprocess.Popen[str]
    greeting: str

    @property
    def rest(self) -> str:
        return re.search(r"REST +(https?://\S+)", self.greeting).group(1)

    @property
    def grpc(self) -> str:
        return re.search(r"gRPC +(\S+)", self.greeting).group(1)

    def children(self) -> dict[str, int]:
        """The pids of the direct children by what they run: `app.main`, `app.grpc_main`, `postgres`."""
        listing = subprocess.run(["ps", "-axwwo", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
        lines = [line.split(None, 2) for line in listing.stdout.splitlines()]
        own = {command: int(pid) for pid, parent, command in lines if int(parent) == self.process.pid}
        names = ("app.main", "app.grpc_main", "postgres")
        return {name: pid for name in names for command, pid in own.items() if re.search(rf"{name}\b", command)}

    def has_another(self, name: str, pid: int) -> bool:
        """Whether such a child runs, and is not that one."""
        return self.children().get(name, pid) != pid

    def press_ctrl_c(self) -> None:
        """The terminal sends the signal to all processes of its foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)


def start(folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    defaults = {"DATABASE_URL": "file:data", "FASTAPI_PORT": "0", "GRPC_PORT": "0", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "up", *options],
        cwd=folder,
        env={**os.environ, **defaults, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class Reader:
    """Reads what a process says, and waits for lines of it."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The thread ends with the process that it reads."""

    def _read(self, stream: IO[str]) -> None:
        with suppress(ValueError):  # the test has ended and closed it
            for line in stream:
                self._lines.put(line)
            self._lines.put(None)

    def wait_for(self, text: str) -> None:
        """Return when a line that was not waited for yet has the text."""
        while (line := self._lines.get(timeout=PATIENCE_SECONDS)) is not None:
            self._said.append(line)
            if text in line:
                return
        pytest.fail(f"{text!r} was not said: {''.join(self._said)}")


@contextmanager
def running(folder: Path, *options: str, **environment: str) -> Iterator[Up]:
    with start(folder, *options, **environment) as process:
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if line.strip() == LAST_LINE:
                    break
            else:
                pytest.fail(f"not ready: {''.join(said)}{process.stderr.read()}")
            yield Up(process, "".join(said))
        finally:
            process.kill()


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        return answer.status


def is_listening(address: str) -> bool:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_it_says_where_it_serves_until_told_to_stop_and_then_leaves_nothing(tmp_path, how):
    with running(tmp_path) as up:
        assert f"{tmp_path}/data" in up.greeting
        assert re.search(r"cache +in the REST process", up.greeting)
        assert status_of(f"{up.rest}/readyz") == 200
        assert status_of(f"{up.rest}/workflows") == 200
        assert is_listening(up.grpc)
        started = descendants(up.process.pid)
        assert set(up.children()) == {"app.main", "app.grpc_main", "postgres"}
        up.press_ctrl_c() if how == "Ctrl-C" else up.process.terminate()
        assert up.process.wait(PATIENCE_SECONDS) == 0
        assert not alive(started)
        assert not is_listening(up.rest)
        assert not is_listening(up.grpc)
    log = (tmp_path / "data" / "postgres.log").read_text()
    assert "database system is shut down" in log.splitlines()[-1]


def test_it_stops_soon_while_its_processes_still_start(tmp_path):
    with start(tmp_path) as process:
        eventually(lambda: len(alive(descendants(process.pid))) > 2)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert not alive(descendants(process.pid))


def test_what_it_offers_to_paste_works(tmp_path):
    with running(tmp_path, "--no-examples") as up:
        programs = ("curl ", "grpcurl ") if shutil.which("grpcurl") else ("curl ",)
        lines = [line for line in up.greeting.splitlines() if line.startswith(programs) or line.endswith(" run hello")]
        answers = [pasted(line, tmp_path) for line in lines]
        assert json.loads(answers[0])["key"] == "hello"
        assert json.loads(answers[1])["total"] == 1
        assert all("completed" in answer.lower() for answer in answers[2:])
        assert len(answers) == len(programs) + 2


def pasted(line: str, folder: Path) -> str:
    return subprocess.run(
        line, shell=True, cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    ).stdout


def test_kill_9_leaves_no_process_and_all_that_was_made(tmp_path):
    body = json.dumps({"name": "kept", "key": "kept"}).encode()
    with running(tmp_path) as up:
        request = urllib.request.Request(f"{up.rest}/workflows", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            assert answer.status == 201
        started = descendants(up.process.pid)
        assert len(started) > 3
        up.process.kill()
        eventually(lambda: not alive(started))
        up.process.wait()
    with running(tmp_path) as up:
        assert status_of(f"{up.rest}/workflows/kept") == 200


def test_changes_and_deletions_of_examples_are_not_undone(tmp_path):
    with running(tmp_path) as up:
        first = call("GET", f"{up.rest}/workflows/1")
        assert first["key"] == "parallel-groups"
        call("PATCH", f"{up.rest}/workflows/1", {"name": "Mine"})
        call("DELETE", f"{up.rest}/workflows/flaky-import")
        before = call("GET", f"{up.rest}/workflows")
        up.process.terminate()
        assert up.process.wait(30) == 0
    with running(tmp_path) as up:
        after = call("GET", f"{up.rest}/workflows")
        assert [(one["key"], one["name"]) for one in after["items"]] == [
            (one["key"], one["name"]) for one in before["items"]
        ]
        assert "flaky-import" not in {one["key"] for one in after["items"]}
        finished = command(tmp_path, "run", "self-check", "--quiet")
        assert finished.returncode == 0, "it calls the address that the service has now"
        nosy = {"name": "ask", "execution_type": "sync", "type": "http", "config": {"url": f"{up.rest}/workflows"}}
        call("POST", f"{up.rest}/workflows", {"name": "Nosy", "key": "nosy", "tasks": [nosy]})
        other = command(tmp_path, "run", "nosy")
        assert other.returncode == 1, "only the example may call the service itself"
        assert "HTTP_TASK_OWN_API_WORKFLOWS" in other.stdout


def test_commands_in_the_same_folder_find_the_service(tmp_path):
    with running(tmp_path, "--no-examples") as up:
        call("POST", f"{up.rest}/workflows", {"name": "Kept", "key": "kept"})
        assert "kept" in command(tmp_path, "workflows").stdout
        assert command(tmp_path, "run", "kept").returncode == 0
        short = command(tmp_path, "list").stdout.splitlines()[1].split()[0]
        assert "Execution completed" in command(tmp_path, "history", short).stdout
        elsewhere = command(tmp_path / "data", "workflows", FASTAPI_PORT="1")
        assert "http://127.0.0.1:1" in elsewhere.stderr
        up.process.kill()
        up.process.wait()
    left = command(tmp_path, "workflows", FASTAPI_PORT="0")
    assert left.returncode == 2
    assert left.stderr == (
        "error: FASTAPI_PORT is 0, and no service runs that was started here; start it with `workflow up`\n"
    )


def test_a_server_is_neither_migrated_nor_filled_without_being_asked(tmp_path, empty_database_url):
    plain = empty_database_url.replace("postgresql+asyncpg://", "postgres://")
    for url in (empty_database_url, plain):
        complaint = refused(tmp_path, DATABASE_URL=url)
        assert "has no tables yet" in complaint
        assert complaint.endswith("run `alembic upgrade head` with the same DATABASE_URL, or `workflow up --migrate`\n")
        assert tables(empty_database_url) == 0
    with running(tmp_path, "--migrate", DATABASE_URL=plain) as up:
        assert call("GET", f"{up.rest}/workflows")["total"] == 0
        assert "without examples  (--examples loads them)" in up.greeting
        up.process.terminate()
        assert up.process.wait(30) == 0
    with running(tmp_path, "--examples", DATABASE_URL=plain) as up:
        assert call("GET", f"{up.rest}/workflows/1")["key"] == "parallel-groups"


def test_workers_do_not_migrate_a_server(tmp_path, empty_database_url):
    plain = empty_database_url.replace("postgresql+asyncpg://", "postgres://")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {"DATABASE_URL": plain, "GRPC_PORT": port, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, REPOSITORY / "run_grpc_server.py", "--workers", "2"],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "has no tables yet" in done.stderr
    assert tables(empty_database_url) == 0


def tables(url: str) -> int:
    question = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    return asyncio.run(ask(url, question))


def call(method: str, url: str, body: object = None) -> dict:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"{}")


def command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it in the folder, without settings."""
    own = {name: value for name, value in os.environ.items() if name not in ("FASTAPI_PORT", "GRPC_PORT")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=folder,
        env={**own, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def runs(folder: Path) -> bool:
    return command(folder, "run", "parallel-groups", "--quiet").returncode == 0


PARTS = [
    ("app.main", "REST process"),
    ("app.grpc_main", "gRPC process"),
    ("postgres", "embedded database"),
]


def test_what_dies_is_named_and_started_again(tmp_path):
    with running(tmp_path) as up, Reader(up.process.stderr) as errors:
        for program, name in PARTS:
            before = up.children()
            os.kill(before[program], signal.SIGKILL)
            errors.wait_for(f"the {name} was killed by SIGKILL; starting it again in 0.")
            errors.wait_for(f"the {name} is ready again")
            after = up.children()
            assert after[program] != before.pop(program)
            assert {name: pid for name, pid in after.items() if name in before} == before
            if program == "postgres":  # the others may find only now that their connections are dead
                eventually(partial(runs, tmp_path))
            assert runs(tmp_path)
        started = descendants(up.process.pid)
        up.process.terminate()
        assert up.process.wait(PATIENCE_SECONDS) == 0
        assert not alive(started)


def test_a_process_that_dies_again_and_again_takes_the_rest_with_it(tmp_path):
    with running(tmp_path, "--no-examples") as up, Reader(up.process.stderr) as errors:
        for _ in range(4):
            killed = up.children()["app.main"]
            os.kill(killed, signal.SIGKILL)
            errors.wait_for("the REST process was killed by SIGKILL; starting it again in ")
            eventually(partial(up.has_another, "app.main", killed))
        started = descendants(up.process.pid)
        os.kill(up.children()["app.main"], signal.SIGKILL)
        assert up.process.wait(PATIENCE_SECONDS) == 1
        how = "was killed by SIGKILL; it has ended 5 times within 60 s, so it is not started again"
        errors.wait_for(f"error: the REST process {how}")
        assert not alive(started)


def test_a_database_that_dies_again_and_again_takes_the_rest_with_it(tmp_path):
    with running(tmp_path, "--no-examples") as up, Reader(up.process.stderr) as errors:
        for _ in range(4):
            os.kill(up.children()["postgres"], signal.SIGKILL)
            errors.wait_for("the embedded database is ready again")
        started = descendants(up.process.pid)
        os.kill(up.children()["postgres"], signal.SIGKILL)
        assert up.process.wait(PATIENCE_SECONDS) == 1
        errors.wait_for("The embedded database was killed by SIGKILL; it has ended 5 times within 60 s; see ")
        assert not alive(started)


def refused(folder: Path, **environment: str) -> str:
    """The one sentence with which the start is refused."""
    with start(folder, **environment) as process:
        _, complaint = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1, complaint
    assert len(complaint.splitlines()) == 1, complaint
    return complaint


@pytest.mark.parametrize("setting", ["FASTAPI_PORT", "GRPC_PORT"])
def test_a_port_in_use_is_found_before_anything_is_started(tmp_path, setting):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complaint = refused(tmp_path, **{setting: port})
    assert f"port {port} of 127.0.0.1 cannot be used: address already in use; set {setting} to another" in complaint
    assert list(tmp_path.iterdir()) == []


def test_two_processes_cannot_have_the_same_port(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert f"FASTAPI_PORT and GRPC_PORT are both {port}" in refused(tmp_path, FASTAPI_PORT=port, GRPC_PORT=port)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    assert "is not writable" in refused(tmp_path, DATABASE_URL="file:file/data")


def test_a_database_that_cannot_be_reached(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://me:secret@127.0.0.1:{unused.getsockname()[1]}/work"
        complaint = refused(tmp_path, DATABASE_URL=url)
    assert "cannot be reached: Connection refused" in complaint
    assert "secret" not in complaint
