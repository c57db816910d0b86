"""The thread in which a real server waits for the network takes its turn; the event loop is scheduled as usual."""

import os
from pathlib import Path

import pytest

from tests.support.grpc_server_process import GrpcServerProcess


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has such a policy")
async def test_only_threads_of_grpc_yield(database_url: str) -> None:
    server = GrpcServerProcess(database_url)
    await server.start()
    try:
        pid = server.pid
        threads = {int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()}
        yielding = {thread for thread in threads if os.sched_getscheduler(thread) == os.SCHED_BATCH}
        assert yielding
        assert pid not in yielding
    finally:
        await server.close()
