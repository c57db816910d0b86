"""The embedded server as one process sees it; what several processes make of it is in test_sharing.py."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from app.adapters.embedded import StorageError, open_storage, storage
from app.adapters.embedded import programs as wheel
from tests.support.databases import answers_again, ask, is_listening, port_of
from tests.support.processes import alive, eventually


@pytest.fixture(scope="module")
async def used_folder(tmp_path_factory) -> Path:
    """A folder that has been used and closed; opening it again changes nothing that the tests look at."""
    folder = tmp_path_factory.mktemp("embedded") / "data"
    async with open_storage(f"file:{folder}") as url:
        await ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    return folder


async def test_the_data_survives_and_the_address_stays(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        assert await ask(url, "SELECT answer FROM kept") == 42
    async with open_storage(f"file:{used_folder}") as again:
        assert again == url


async def test_a_file_database_is_as_durable_as_a_server(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await ask(url, f"SHOW {setting}") == "on"


async def test_only_this_machine_and_only_with_the_password(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        assert await ask(url, "SHOW listen_addresses") == "127.0.0.1"
        assert await ask(url, "SHOW unix_socket_directories") == ""
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=port_of(url), user="workflow", password="guess")
    assert (used_folder / "connection").stat().st_mode & 0o777 == 0o600
    assert (used_folder / "postgres").stat().st_mode & 0o777 == 0o700


async def test_letters_beyond_ascii_compare_as_letters(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        assert await ask(url, "SELECT 'ÄRGER' ILIKE 'ärger'") is True
        assert await ask(url, "SHOW server_encoding") == "UTF8"


async def test_the_server_stops_with_the_context(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        port = port_of(url)
        assert is_listening(port)
    assert not is_listening(port)
    assert "database system is shut down" in (used_folder / "postgres.log").read_text().splitlines()[-1]


async def test_an_open_session_does_not_hold_up_the_stop(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        session = await asyncpg.connect(driver_dsn(url))
    session.terminate()
    assert not is_listening(port_of(url))


async def test_a_pid_file_that_names_another_process_is_no_obstacle_and_no_target(used_folder):
    # The bystander has the server's user, which is what makes PostgreSQL itself refuse to start.
    owner = (used_folder / "postgres").stat()
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **identity) as bystander:
        pid_file = used_folder / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{bystander.pid}\n{used_folder}/postgres\n1\n1\n\n127.0.0.1\n\n")
        async with open_storage(f"file:{used_folder}") as url:
            assert await ask(url, "SELECT answer FROM kept") == 42
        assert bystander.poll() is None
        bystander.kill()


async def test_an_initialisation_that_was_cut_short_is_begun_again(tmp_path):
    remains = tmp_path / "postgres.new"
    remains.mkdir()
    (remains / "PG_VERSION").write_text("18\n")
    async with open_storage(f"file:{tmp_path}") as url:
        assert await ask(url, "SELECT 1") == 1
    assert not remains.exists()


async def test_a_port_that_another_program_took_is_left_to_it(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        before = port_of(url)
    with socket.create_server(("127.0.0.1", before)):
        async with open_storage(f"file:{used_folder}") as url:
            assert port_of(url) != before
            assert await ask(url, "SELECT answer FROM kept") == 42


async def test_a_server_that_was_killed_is_started_again_with_the_same_address(used_folder):
    async with open_storage(f"file:{used_folder}") as url:
        pid = int((used_folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        await answers_again(url)
        assert await ask(url, "SELECT answer FROM kept") == 42


async def test_memory_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with open_storage("memory:") as url:
        assert await ask(url, "SHOW fsync") == "off"
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    assert not is_listening(port_of(url))


async def test_memory_clears_away_what_a_killed_process_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abandoned, settling = tmp_path / "workflow-memory-old", tmp_path / "workflow-memory-new"
    for folder in (abandoned, settling):
        folder.mkdir()
        (folder / "owner.lock").touch()
    os.utime(abandoned / "owner.lock", (0, 0))
    async with open_storage("memory:"):
        assert not abandoned.exists()
        assert settling.exists()


async def fails(database_url: str) -> str:
    with pytest.raises(StorageError) as caught:
        async with open_storage(database_url):
            pytest.fail("opened")
    sentence = str(caught.value)
    assert sentence.endswith((".", "…"))
    assert "\n" not in sentence
    return sentence


async def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    assert "is not writable: Not a directory" in await fails(f"file:{tmp_path}/file/data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    assert "is not writable: Permission denied" in await fails(f"file:{tmp_path}/data")


async def test_data_of_another_major_version(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    (tmp_path / "connection").write_text("postgresql://workflow:x@127.0.0.1:5432/postgres\n")
    assert "was written by PostgreSQL 16, and this program brings PostgreSQL 18" in await fails(f"file:{tmp_path}")


@pytest.mark.parametrize("remains", [None, "", "postgresql://workflow:x@127.0.0.1:port/postgres"])
async def test_data_without_its_password(tmp_path, remains):
    (tmp_path / "postgres").mkdir()
    if remains is not None:
        (tmp_path / "connection").write_text(remains)
    assert "which holds the database's password, is missing" in await fails(f"file:{tmp_path}")


async def test_data_that_does_not_start_shows_what_the_server_said(tmp_path):
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    (tmp_path / "connection").write_text("postgresql://workflow:x@127.0.0.1:5432/postgres\n")
    assert "PostgreSQL did not start: " in (sentence := await fails(f"file:{tmp_path}"))
    assert "postgresql.conf" in sentence


async def test_a_platform_without_the_programs(tmp_path, monkeypatch):
    monkeypatch.setattr(wheel, "PACKAGE", "a_package_that_is_not_installed")
    assert "needs the PostgreSQL 18 programs" in await fails(f"file:{tmp_path}")


async def test_a_server_that_is_not_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        sentence = await fails(f"postgresql://me:secret@127.0.0.1:{port}/work")
    assert sentence == f"The database at 127.0.0.1:{port}/work cannot be reached: Connection refused."


async def test_a_server_that_does_not_know_us(postgres_url):
    user_and_place = postgres_url.partition("@")[2]
    sentence = await fails(f"postgresql://nobody_here:secret@{user_and_place}")
    assert "refuses the connection" in sentence
    assert "secret" not in sentence


async def test_a_database_that_does_not_exist(postgres_url):
    sentence = await fails(postgres_url.rpartition("/")[0] + "/not_there")
    assert 'refuses the connection: database "not_there" does not exist' in sentence


async def test_a_server_that_is_too_old(postgres_url, monkeypatch):
    monkeypatch.setattr(storage, "OLDEST_SERVER", 990_000)
    assert "; 99 or newer is needed." in await fails(postgres_url)


async def test_a_server_as_it_is(postgres_url):
    async with open_storage(postgres_url) as url:
        assert await ask(url, "SELECT 1") == 1


def test_nothing_runs_after_these_tests(used_folder):
    eventually(lambda: not alive(servers_of(used_folder)))


def servers_of(folder: Path) -> set[int]:
    listing = subprocess.run(["ps", "-axwwo", "pid=,command="], capture_output=True, text=True, check=True).stdout
    return {int(line.split()[0]) for line in listing.splitlines() if f"-D {folder}" in line}
