"""Several processes with the same folder open: one runs the server, the others use it and inherit it."""

import asyncio
import errno
from contextlib import ExitStack

import pytest

from app.adapters.embedded import open_storage
from app.adapters.embedded.folder import Folder
from app.background.defects import Defects
from tests.support.databases import answers_again, ask, is_listening, port_of
from tests.support.processes import descendants, storage_holder


async def test_a_second_process_uses_the_server_of_the_first(tmp_path):
    with storage_holder(f"file:{tmp_path}") as first:
        await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with open_storage(f"file:{tmp_path}") as url:
            assert url == first.url
            assert await ask(url, "SELECT answer FROM kept") == 42
        assert is_listening(port_of(first.url)), "the second must not stop what the first owns"
        assert first.close() == 0
        assert not is_listening(port_of(first.url))


async def test_processes_that_start_together_agree(tmp_path):
    with ExitStack() as stack:
        holders = [stack.enter_context(storage_holder(f"file:{tmp_path}")) for _ in range(3)]
        assert len({holder.url for holder in holders}) == 1
        owners = [holder for holder in holders if descendants(holder.process.pid)]
        assert len(owners) == 1
        await ask(holders[0].url, "SELECT 1")


async def test_who_is_left_takes_the_server_over_when_its_owner_stops(tmp_path):
    with storage_holder(f"file:{tmp_path}") as first:
        await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with open_storage(f"file:{tmp_path}") as url:
            assert first.close() == 0
            await answers_again(url)
            assert await ask(url, "SELECT answer FROM kept") == 42
    assert not is_listening(port_of(url))


async def test_who_is_left_takes_the_server_over_when_its_owner_is_killed(tmp_path):
    with storage_holder(f"file:{tmp_path}") as first:
        await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        async with open_storage(f"file:{tmp_path}") as url:
            first.kill()
            await answers_again(url)
            assert await ask(url, "SELECT answer FROM kept") == 42
    assert not is_listening(port_of(url))


async def test_a_failure_while_watching_does_not_end_the_watch(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """A process may have no file descriptor left for a while."""
    failing = []
    try_lock = Folder.try_lock

    def failing_at_times(folder: Folder) -> int | None:
        if failing and failing.pop():
            raise OSError(errno.EMFILE, "too many open files")
        return try_lock(folder)

    with storage_holder(f"file:{tmp_path}") as first:
        defects = Defects()
        async with open_storage(f"file:{tmp_path}", defects.report) as url:
            monkeypatch.setattr(Folder, "try_lock", failing_at_times)
            failing += [True, True]
            while failing:
                await asyncio.sleep(0.01)
            first.kill()
            await answers_again(url)
        defects.raise_first()


async def test_a_defect_of_the_watch_is_reported(tmp_path, monkeypatch: pytest.MonkeyPatch):
    reported: asyncio.Queue[Exception] = asyncio.Queue()

    def broken(_: Folder) -> None:
        raise ZeroDivisionError("a defect")

    with storage_holder(f"file:{tmp_path}"):
        async with open_storage(f"file:{tmp_path}", reported.put_nowait):
            monkeypatch.setattr(Folder, "try_lock", broken)
            assert str(await reported.get()) == "a defect"
