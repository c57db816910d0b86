"""Watchers that read a few of ten thousand messages, and no more until the others have read all."""

from pathlib import Path

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.process_usage import MIB
from tests.support.watched_history import EVENTS, LARGE, SLOW_WATCHERS, TASKS, server_of_long_workflow, watch_slowly

A_FEW = 10
# If the server kept for each watcher what it has not read yet, they would all be kept.
KEPT_FOR_ALL = SLOW_WATCHERS * TASKS * len(LARGE)


async def test_slow_watchers_hold_up_nobody_and_miss_nothing(database_url: str, tmp_path: Path) -> None:
    async with server_of_long_workflow(database_url, tmp_path / "log") as server:
        seen = await watch_slowly(server, at_most=A_FEW)
    print(f"\n{seen}")  # noqa: T201

    here, elsewhere = seen.fast
    assert [update.sequence for update in here] == list(range(1, EVENTS + 1))
    assert here[-1].status == pb.COMPLETED
    assert elsewhere == here
    assert all(updates == here for updates in seen.slow)
    assert seen.read_slowly <= SLOW_WATCHERS * A_FEW, "the others did not wait for them"
    assert seen.growth_bytes < KEPT_FOR_ALL / 3, f"{seen.growth_bytes / MIB:.0f} MiB"
