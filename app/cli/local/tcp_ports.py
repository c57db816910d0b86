"""Checks that the service can listen on its ports, before anything is started."""

import os
import socket

from app.cli.errors import CliError

CANNOT_LISTEN = 1


def listenable_port(name: str, host: str, port: int) -> int:
    """`port`, or a free port for 0. Raise `CliError`, which names the setting `name`_PORT or `name`_HOST."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = addresses[0]
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
            return int(listener.getsockname()[1])
    except socket.gaierror as error:
        raise CliError(f"{name}_HOST {host!r} is not an address: {error.strerror}", CANNOT_LISTEN) from None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise CliError(
            f"port {port} of {host} cannot be used: {reason}; set {name}_PORT to another, or to 0 for any free one",
            CANNOT_LISTEN,
        ) from None


def reachable_host(host: str) -> str:
    """The host at which this machine reaches a server that listens on `host`, in the form for a URL."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host
