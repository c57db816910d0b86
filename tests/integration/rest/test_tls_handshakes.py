"""A connection that does not finish its TLS handshake ends; uvicorn has no limit for that."""

import asyncio
import ssl
from pathlib import Path

import uvloop

from app import main
from tests.support.certificates import self_signed


def test_a_handshake_that_does_not_come_ends(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(main, "TLS_HANDSHAKE_SECONDS", 0.3)
    pair = self_signed(tmp_path, "flows.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)

    async def silent_for_long() -> bytes:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        async with server, asyncio.timeout(30):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            try:
                return await reader.read()
            finally:
                writer.close()

    assert uvloop.run(silent_for_long(), loop_factory=main.BoundedTlsLoop) == b""
