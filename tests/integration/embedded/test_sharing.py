"""Several processes with the same folder open: one runs the server, the others use it and inherit it."""

from contextlib import ExitStack

from app.adapters.embedded import open_storage
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
