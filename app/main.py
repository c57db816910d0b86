"""The REST process: `python -m app.main`, or `uvicorn app.main:app`.

Importing this module only builds the routes. The lifespan reads settings and opens connections and logs.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from app.adapters.secrets import SecretFiles
from app.api.live.socket_protocol import SERVER_OPTIONS
from app.api.rest.app import create_app
from app.api.rest.http_protocol import BoundedHttpProtocol, HttpLimits
from app.api.rest.unfinished_heads import UnfinishedHeads
from app.background.defects import Defects
from app.config import Settings, load_settings
from app.wiring.ending_streams import EndingServer, ending_at_signals
from app.wiring.garbage import settle_garbage
from app.wiring.launch import launch, open_log
from app.wiring.open_addresses import refuse_open_address
from app.wiring.rest_process import open_rest_process
from app.wiring.tls import Identity, server_identity

log = structlog.get_logger(__name__)

TLS_HANDSHAKE_SECONDS = 10.0
TLS_SHUTDOWN_SECONDS = 5.0


class PortUnavailable(Exception):
    """The service cannot listen on the address; the message says why in one sentence."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """For `uvicorn app.main:app` and reloading. `serve` opens the same itself, to report failures in one sentence.

    Here it is not known on which address uvicorn listens, so each request is asked where it has arrived.
    """
    settings, defects = load_settings(), Defects()
    mask = open_log(settings).mask
    async with open_rest_process(settings, defects, mask, address_is_known=False) as services:
        app.state.services = services
        defects.on_first(lambda: signal.raise_signal(signal.SIGTERM))
        with ending_at_signals(services.streams.close, _longest_stop(settings)):
            yield
    defects.raise_first()


app = create_app(lifespan)


async def serve(settings: Settings, secrets: SecretFiles) -> None:
    """Run until a signal or a defect ends it. `main` reports the exceptions in one sentence."""
    refuse_open_address(settings, "FASTAPI_HOST")
    identity, defects = server_identity(settings), Defects()
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn calls these after its own
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    with _listener(settings) as listener:
        async with open_rest_process(settings, defects, secrets.mask) as services:
            app.state.services = services
            settle_garbage()
            host, port = listener.getsockname()[:2]
            log.info("rest_ready", address=f"{host}:{port}", tls=identity is not None)
            if not told_to_stop.is_set():
                server = EndingServer(_config(settings, identity), services.streams.close)
                await _serve_until_stopped(server, listener, defects)
    log.info("rest_stopped")
    defects.raise_first()


async def _serve_until_stopped(server: uvicorn.Server, listener: socket.socket, defects: Defects) -> None:
    """At a defect, as at a signal, requests that are being answered may end."""

    def stop() -> None:
        server.should_exit = True

    defects.on_first(stop)
    await server.serve(sockets=[listener])


def _config(settings: Settings, identity: Identity | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXIES says whose headers are believed; uvicorn would believe all of loopback
        timeout_graceful_shutdown=_longest_stop(settings),
        http=_protocol(settings),
        **SERVER_OPTIONS,
        **_tls(identity),
    )


def _longest_stop(settings: Settings) -> int:
    """Whole seconds, as uvicorn takes them."""
    return int(settings.shutdown_seconds) + 1


def _tls(identity: Identity | None) -> dict[str, Any]:
    return {} if identity is None else {"ssl_certfile": identity.certificate, "ssl_keyfile": identity.key}


class BoundedTlsLoop(uvloop.Loop):
    """An event loop whose servers bound the time of TLS handshakes. uvicorn cannot be told; the default is a minute."""

    async def create_server(self, *arguments: Any, ssl: Any = None, **named: Any) -> Any:
        if ssl is not None:
            named |= {"ssl_handshake_timeout": TLS_HANDSHAKE_SECONDS, "ssl_shutdown_timeout": TLS_SHUTDOWN_SECONDS}
        return await super().create_server(*arguments, ssl=ssl, **named)


def _protocol(settings: Settings) -> Any:
    """uvicorn calls what it is given as it would call a class."""
    connections = settings.fastapi_max_connections
    limits = HttpLimits(connections=connections, unfinished_heads=max(1, connections // 2))
    return partial(BoundedHttpProtocol, limits=limits, heads=UnfinishedHeads(limits.unfinished_heads))


def _listener(settings: Settings) -> socket.socket:
    host, port = settings.fastapi_host, settings.fastapi_port
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PortUnavailable(f"cannot listen on {host}:{port}: {reason}; set FASTAPI_HOST and FASTAPI_PORT") from None
    return listener


def _reload(settings: Settings) -> None:
    """For development: restart when the source changes."""
    refuse_open_address(settings, "FASTAPI_HOST")
    uvicorn.run(
        "app.main:app",
        host=settings.fastapi_host,
        port=settings.fastapi_port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        http=_protocol(settings),
        **SERVER_OPTIONS,
        reload=True,
        reload_dirs=["app", "examples"],
        reload_includes=["*.py", "*.js", "*.css", "*.html"],
        **_tls(server_identity(settings)),
    )


def _run(settings: Settings, secrets: SecretFiles) -> None:
    if "--reload" in sys.argv[1:]:
        _reload(settings)
    else:
        uvloop.run(serve(settings, secrets), loop_factory=BoundedTlsLoop)


def main() -> None:
    """Run the process. Exit with 1 and one sentence for an error that an operator can fix."""
    launch(_run, PortUnavailable)


if __name__ == "__main__":
    main()
