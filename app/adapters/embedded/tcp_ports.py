"""Ports on the loopback address."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
FIRST_PORT = 10_000
FIRST_EPHEMERAL = 32_768
"""The first port of outgoing connections, where the system does not say; the default of Linux."""
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS = 1_000


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As the server does itself: a port in the state TIME_WAIT, as after a restart, counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port that no outgoing connection is given, so that a server finds it free after a restart, too.

    Any free port where the system gives nearly all ports to outgoing connections.
    """
    stable = range(FIRST_PORT, _first_ephemeral())
    for _ in range(ATTEMPTS if stable else 0):
        port = random.choice(stable)
        if is_free(port):
            return port
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def _first_ephemeral() -> int:
    try:
        return int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return FIRST_EPHEMERAL
