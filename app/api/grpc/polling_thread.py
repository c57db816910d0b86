"""The thread with which grpc.aio waits for the network."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def yielding_threads() -> Iterator[None]:
    """Threads that are started meanwhile do not interrupt the one that runs, as far as the system knows how.

    grpc.aio has a thread that wakes for every message that was sent or came, to say so to the event loop. On a busy
    processor Linux would let it interrupt the event loop each time. Under SCHED_BATCH it waits for its turn
    (`man 7 sched`), and on an idle processor it runs as before.
    """
    if not hasattr(os, "SCHED_BATCH"):
        yield
        return
    before = os.sched_getscheduler(0)
    _set_policy(os.SCHED_BATCH)
    try:
        yield
    finally:
        _set_policy(before)


def _set_policy(policy: int) -> None:
    """Not allowed everywhere; then all stays as it is."""
    try:
        os.sched_setscheduler(0, policy, os.sched_param(0))
    except OSError:
        return
