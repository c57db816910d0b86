"""One HTTP/1.1 connection, which sends one request after another.

The invariant: no byte of one response becomes part of another. h11 keeps the bytes that follow a response and would
parse the next response from them. A connection is therefore reused only if request and response are complete, no byte
is left in h11 or in the stream, and the response's framing was unambiguous (RFC 9112, sections 6.3 and 9.3).
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import h11
import httpx

from app.tasks.http.socket_stream import SocketStream

MAX_HEAD_BYTES = 100 * 1024
"""The most bytes of a status line with its headers, and of trailers."""

MAX_INFORMATIONAL_RESPONSES = 100


class NoResponse(httpx.ReadError):
    """The connection ended before the first byte of the response."""


class Connection:
    """Call `send`, then iterate `body`, then call `finish`, which works at any point of the response.

    request_count: how many requests were sent, including the current one.
    """

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._response_has_begun = False
        self._is_framing_ambiguous = False
        self.request_count = 0

    async def send(self, request: httpx.Request) -> h11.Response:
        """Send the request and return the head of the response. Raise `NoResponse`, other `httpx.TransportError`s."""
        self.request_count += 1
        self._response_has_begun = False
        self._stream.write(self._request_bytes(request))
        for _ in range(MAX_INFORMATIONAL_RESPONSES + 1):
            event = await self._next_event()
            if isinstance(event, h11.Response):
                names = {name for name, _ in event.headers}
                self._is_framing_ambiguous = {b"transfer-encoding", b"content-length"} <= names
                return event
        raise httpx.RemoteProtocolError(f"more than {MAX_INFORMATIONAL_RESPONSES} informational responses")

    async def body(self) -> AsyncIterator[bytes]:
        """Raise `httpx.TransportError` if the body is cut off or violates its framing."""
        while not isinstance(event := await self._next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    def finish(self) -> None:
        """Discard what has been received of the rest of the response. Close unless it is complete and unambiguous."""
        with suppress(h11.RemoteProtocolError):
            self._discard_rest()
        is_complete = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        if is_complete and not self._is_framing_ambiguous:
            self._h11.start_next_cycle()
        else:
            self.abort()

    @property
    def is_reusable(self) -> bool:
        """Whether the next request can be sent. Changes when the server sends something or closes."""
        return self._h11.our_state is h11.IDLE and not self.has_unexpected_bytes and self._stream.is_quiet

    @property
    def has_unexpected_bytes(self) -> bool:
        """Between requests: true if the server sent more than its response, together with it or since then."""
        is_between_requests = self._h11.our_state is h11.IDLE
        return is_between_requests and bool(self._h11.trailing_data[0] or self._stream.has_unread_bytes)

    def abort(self) -> None:
        self._stream.abort()

    async def wait_closed(self) -> None:
        await self._stream.wait_closed()

    def _request_bytes(self, request: httpx.Request) -> bytes:
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            events = (head, *([h11.Data(request.content)] if request.content else []), h11.EndOfMessage())
            return b"".join(self._h11.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event
            self._h11.receive_data(await self._read())

    async def _read(self) -> bytes:
        try:
            data = await self._stream.read()
        except httpx.ReadError as error:
            raise error if self._response_has_begun else NoResponse(str(error)) from error
        if not data and not self._response_has_begun:
            raise NoResponse("the server closed the connection without a response")
        self._response_has_begun = True
        return data

    def _discard_rest(self) -> None:
        """Does not wait: closing the connection is cheaper than waiting for a body that is not used."""
        while self._h11.their_state is h11.SEND_BODY:
            if self._h11.next_event() is h11.NEED_DATA:
                if not (data := self._stream.read_now()):
                    return
                self._h11.receive_data(data)
