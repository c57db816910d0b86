"""Limits of HTTP/1.1 connections: the size of a request's head, the time it takes to arrive, the connections.

uvicorn limits neither the size of a request's head nor the time that a request may take to arrive, or a response to be
read. An endless header would keep the parser busy, which delays all clients, and connections that never finish would
exhaust the process.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import httptools
import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.rest.browser_guard import BROWSER_HEADERS
from app.api.rest.error_responses import MEDIA_TYPE, Refused
from app.api.rest.unfinished_heads import UnfinishedHeads
from app.background.unread import UnreadTimer

log = structlog.get_logger(__name__)

_MISSING = "a request must name its host once, in the header Host"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of each client, or of all together.

    head_bytes: the largest size of a request's line and headers.
    arrival_seconds: how long a request may take from its first byte to its last; also how long a new connection may
        send nothing.
    stalled_seconds: how long a client may read nothing of a response that waits for it.
    connections: how many may be open at the same time.
    unfinished_heads: how many of these may have sent no complete head of a request.
    """

    head_bytes: int = 65_536
    arrival_seconds: float = 10.0
    stalled_seconds: float = 30.0
    connections: int = 1_000
    unfinished_heads: int = 500


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with `limits`. A request over a limit is refused with a problem, and its connection closed.

    `heads` counts the connections of the process that have sent no complete head.
    """

    def __init__(self, *arguments: Any, limits: HttpLimits, heads: UnfinishedHeads, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._heads = heads
        self._head_bytes = 0
        self._in_head = True
        self._has_ended = False
        self._arriving: asyncio.TimerHandle | None = None
        self._unread: UnreadTimer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._unread = UnreadTimer(self.loop, transport, self._limits.stalled_seconds, self._give_up_writing)
        if self._are_too_many():
            message = f"{self._limits.connections} connections are open, which is the limit"
            self._refuse(Refused(503, "too_many_connections", message), {"Retry-After": "1"})
        else:
            self._expect_more()
            self._expect_head()

    def _are_too_many(self) -> bool:
        """Sockets are not counted: they have a limit of their own."""
        if len(self.connections) <= self._limits.connections:
            return False
        return sum(isinstance(one, HttpToolsProtocol) for one in self.connections) > self._limits.connections

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._heads.remove(self)
        if self._unread is not None:
            self._unread.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as the response is written. What it has not read is in memory."""
        super().pause_writing()
        if self._unread is not None:
            self._unread.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.stop()

    def _give_up_writing(self) -> None:
        log.warning("http_response_not_read", seconds=self._limits.stalled_seconds, client=self.client)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except Refused as refused:
            self._refuse(refused)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refused) else _malformed())
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._stop_waiting()
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self._refuse(_malformed())

    def _feed(self, data: bytes) -> None:
        """Parse the data in pieces, and refuse a head that is too large. Without pieces a large head would be parsed
        before its size is checked, and the parser copies what it has collected each time.
        """
        size = self._limits.head_bytes
        for start in range(0, len(data), size):
            piece = data if len(data) <= size else data[start : start + size]
            self._has_ended = False
            self.parser.feed_data(piece)
            if self._in_head and not self._has_ended:
                self._head_bytes += len(piece)
                self._refuse_large_head(self._head_bytes)
        if self._in_head:
            self._expect_head()
        if self._arriving is None and (self._in_head or self.cycle.more_body or self._is_idle):
            self._expect_more()

    @property
    def _is_idle(self) -> bool:
        """Nothing but line ends has arrived since the last response. They have ended the timer of idle connections."""
        return self.cycle.response_complete and self.timeout_keep_alive_task is None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads.remove(self)
        if self._head_bytes:
            self._refuse_large_head(len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers))
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            raise Refused(400, "bad_host", _MISSING)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._has_ended = True
        self._stop_waiting()

    def _refuse_large_head(self, size: int) -> None:
        limit = self._limits.head_bytes
        if size > limit:
            raise Refused(431, "headers_too_large", f"the request's line and headers have more than {limit} bytes")

    def _expect_head(self) -> None:
        self._heads.add(self, self._make_room)

    def _make_room(self) -> None:
        message = "too many connections wait for a request, and this one has waited longest"
        self._refuse(Refused(408, "too_many_waiting", message))

    def _expect_more(self) -> None:
        self._arriving = self.loop.call_later(self._limits.arrival_seconds, self._is_late)

    def _stop_waiting(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _is_late(self) -> None:
        self._arriving = None
        message = f"the request did not arrive within {self._limits.arrival_seconds:g} s"
        self._refuse(Refused(408, "request_timeout", message))

    def _refuse(self, refused: Refused, headers: dict[str, str] | None = None) -> None:
        """Return a problem, unless a response has begun, and close the connection."""
        log.warning("http_refused", status=refused.status, code=refused.code, client=self.client)
        self._stop_waiting()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_problem(refused, headers or {}))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


def _malformed() -> Refused:
    return Refused(400, "malformed_request", "the data is not an HTTP/1.1 request")


def _problem(refused: Refused, headers: dict[str, str]) -> bytes:
    phrase = HTTPStatus(refused.status).phrase
    document = {"type": f"urn:problem:{refused.code}", "title": phrase, "status": refused.status}
    body = orjson.dumps({**document, "detail": refused.detail, "code": refused.code})
    lines = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close", **headers}
    lines |= {name.decode(): value.decode() for name, value in BROWSER_HEADERS}
    head = f"HTTP/1.1 {refused.status} {phrase}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n".encode() + body
