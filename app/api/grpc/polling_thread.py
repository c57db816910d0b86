"""Lowers the scheduling priority of the thread with which grpc.aio waits for the network."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def yielding_threads() -> Iterator[None]:
    """Start threads within this context so that they do not preempt the running thread, if the system supports it.

    grpc.aio has a thread that wakes up for each message that was sent or received, and notifies the event loop. On a
    busy processor Linux would let it preempt the event loop each time. Under SCHED_BATCH it waits for its turn
    (`man 7 sched`); on an idle processor it runs as before.
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
    """Set the policy of this thread. Where that is not allowed, nothing changes."""
    try:
        os.sched_setscheduler(0, policy, os.sched_param(0))
    except OSError:
        return
