"""The thread that waits for the network takes its turn; all others are scheduled as they were."""

import os
import threading

import pytest

from app.api.grpc.polling_thread import yielding_threads

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has such a policy")


def policy_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
    thread.start()
    thread.join()
    return found[0]


def test_only_threads_that_start_meanwhile_yield() -> None:
    before = os.sched_getscheduler(0)
    with yielding_threads():
        assert policy_of_a_new_thread() == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == before
    assert policy_of_a_new_thread() == before


def test_where_it_is_not_allowed_all_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    before = os.sched_getscheduler(0)
    with yielding_threads():
        assert os.sched_getscheduler(0) == before
