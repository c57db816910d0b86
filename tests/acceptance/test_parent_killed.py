"""An embedded server ends with the process that started it, even when nothing in that process can see to it."""

from app.adapters.embedded import open_storage
from tests.support.databases import ask, is_listening, port_of
from tests.support.processes import alive, descendants, eventually, storage_holder


async def test_kill_9_leaves_no_server_and_loses_nothing(tmp_path):
    with storage_holder(f"file:{tmp_path}") as holder:
        servers = descendants(holder.process.pid)
        assert servers
        await ask(holder.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        holder.kill()
        eventually(lambda: not alive(servers))
    assert not is_listening(port_of(holder.url))
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text(), "the server shut down cleanly"
    async with open_storage(f"file:{tmp_path}") as url:
        assert await ask(url, "SELECT answer FROM kept") == 42


async def test_the_folder_can_be_opened_at_once_after_kill_9(tmp_path):
    with storage_holder(f"file:{tmp_path}") as holder:
        await ask(holder.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        holder.kill()
        async with open_storage(f"file:{tmp_path}") as url:
            assert await ask(url, "SELECT answer FROM kept") == 42


def test_kill_9_leaves_no_server_in_memory():
    with storage_holder("memory:") as holder:
        servers = descendants(holder.process.pid)
        holder.kill()
        eventually(lambda: not alive(servers))
