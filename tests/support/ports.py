"""Ports for the servers of tests."""

import os

from app.adapters.embedded import tcp_ports

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_given: set[int] = set()


def free_port() -> int:
    """A free port that is given only once, and to one of the processes that run tests: its server starts later."""
    while (port := tcp_ports.free_port()) in _given or port % WORKERS != WORKER:
        pass
    _given.add(port)
    return port
