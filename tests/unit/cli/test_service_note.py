"""The note about the service of a folder: found while the service runs, ignored when it has ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import targets
from app.cli.errors import CliError
from app.cli.service_note import FILE, Note, last_service, noted, running_service
from tests.support.processes import REPOSITORY

NOTE = Note("http://127.0.0.1:8123", "127.0.0.1:50123")

HOLDER = """
import sys, time
from app.cli.service_note import Note, noted
with noted(Note(*sys.argv[1:])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("FASTAPI_PORT", "GRPC_PORT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def service() -> subprocess.Popen[str]:
    """A process that keeps the note of this folder; it has it when this returns."""
    command = [sys.executable, "-c", HOLDER, *NOTE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(REPOSITORY)})
    assert process.stdout.readline() == "True\n"
    return process


def test_a_folder_without_a_service():
    assert (running_service(), last_service()) == (None, None)


def test_a_running_service_is_found_and_a_killed_one_is_not():
    with service() as process:
        try:
            assert running_service() == NOTE
            assert targets.rest_base(None) == NOTE.rest
            assert targets.grpc_address(None) == NOTE.grpc
        finally:
            process.kill()
            process.wait()
        assert running_service() is None
        assert targets.grpc_address(None) == "127.0.0.1:50051"
        assert last_service() == NOTE


def test_options_and_ports_of_the_environment_take_precedence(monkeypatch: pytest.MonkeyPatch):
    with service() as process:
        try:
            assert targets.grpc_address("10.0.0.1:1") == "10.0.0.1:1"
            assert targets.rest_base("http://x/") == "http://x"
            monkeypatch.setenv("GRPC_PORT", "50999")
            assert targets.grpc_address(None) == "127.0.0.1:50999"
            monkeypatch.setenv("GRPC_PORT", "0")
            assert targets.grpc_address(None) == NOTE.grpc
            Path(".env").write_text("FASTAPI_PORT=8999\n")
            assert targets.rest_base(None) == NOTE.rest
        finally:
            process.kill()
            process.wait()


def test_a_second_service_of_the_folder_is_not_noted():
    with service() as process:
        try:
            with noted(Note("http://second", "second:1")) as mine:
                assert not mine
            assert running_service() == NOTE
        finally:
            process.kill()
            process.wait()
    with noted(Note("http://third", "third:1")) as mine:
        assert mine
        assert last_service() == Note("http://third", "third:1")


def test_a_command_that_looks_does_not_keep_a_service_from_its_note(monkeypatch: pytest.MonkeyPatch):
    from app.cli import service_note

    FILE.parent.mkdir()
    FILE.touch()
    with FILE.open() as looking:
        assert service_note._try_lock(looking, shared=True)
        monkeypatch.setattr(service_note.time, "sleep", lambda seconds: looking.close())
        with noted(NOTE) as mine:
            assert mine


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"rest": "http://x"}'])
def test_a_file_that_is_something_else_is_ignored(text: str):
    FILE.parent.mkdir()
    FILE.write_text(text)
    assert (running_service(), last_service()) == (None, None)


def test_a_folder_that_cannot_be_written_has_no_note(folder: Path):
    (folder / ".workflow").write_text("a file")
    with noted(NOTE) as mine:
        assert not mine
    assert running_service() is None


def test_port_zero_is_not_an_address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRPC_PORT", "0")
    with pytest.raises(CliError, match="GRPC_PORT is 0, and no service runs that was started here"):
        targets.grpc_address(None)


@pytest.mark.parametrize("text", ["foo", "127.0.0.1", "127.0.0.1:x", "http://x:1", ":50051", "h:0", "h:65536", "::1:5"])
def test_what_is_not_an_address_is_told_the_form(text: str):
    with pytest.raises(CliError) as caught:
        targets.grpc_address(text)
    form = "give a host and a port, as 127.0.0.1:50051 or https://host:50051"
    assert caught.value.message == f"--grpc-target {text!r}: {form}"


@pytest.mark.parametrize("text", ["localhost:1", "[::1]:50051", "dns:///x:1", "unix:/tmp/x"])
def test_addresses(text: str):
    assert targets.grpc_address(text) == text
