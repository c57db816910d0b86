"""One socket, from the handshake to its end."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import structlog

from app.api.live.conversation import Conversation, LiveParts
from app.api.live.frames import Refusal, refusal_of, refused
from app.api.live.limits import MessageRate
from app.api.live.messages import Auth, Message, parse_message
from app.api.live.outbox import Outbox
from app.domain.callers import Caller
from app.domain.errors import CREDENTIALS_MISSING, PermissionDenied, RateLimited, ServiceError, Unauthenticated
from app.domain.permissions import AUTHENTICATED
from app.identity.client_addresses import Sender

log = structlog.get_logger(__name__)

NORMAL, POLICY, TOO_BIG, DEFECT, RESTART, TRY_LATER = 1000, 1008, 1009, 1011, 1012, 1013
NOT_AUTHENTICATED = 4401
LONGEST_REASON = 120

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class End(NamedTuple):
    """Why a socket is closed: a close code (RFC 6455, 7.4) and a sentence. None for both if the client is gone."""

    code: int | None = None
    reason: str = ""


GONE = End()
STOPPING = End(RESTART, "the server is stopping; connect again")


class _Ended(Exception):
    """The socket must be closed."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end


class Connection:
    """Reads what the client says and writes what waits for it, at the same time.

    parts: what sockets need of the process.
    sender: where the handshake came from.
    receive: returns the next event of the connection, as ASGI defines them.
    send: sends an event; it returns when the connection takes more.
    """

    def __init__(self, parts: LiveParts, sender: Callable[[], Sender], receive: Receive, send: Send) -> None:
        self._parts = parts
        self._sender = sender
        self._receive = receive
        self._send = send
        self._outbox = Outbox(parts.limits.queued_bytes)
        loop = asyncio.get_running_loop()
        self._rate = MessageRate(parts.limits.messages_per_second, loop.time)
        self._stopped: asyncio.Future[End] = loop.create_future()

    def stop(self) -> None:
        """Close it, because the process stops. Never waits."""
        if not self._stopped.done():
            self._stopped.set_result(STOPPING)

    async def run(self, caller: Caller | None) -> None:
        """Until one of both sides ends it. `caller` is None if the client must say first who calls."""
        conversing = asyncio.create_task(self._converse(caller), name="socket reads")
        writing = asyncio.create_task(self._write(), name="socket writes")
        try:
            done, _ = await asyncio.wait((conversing, writing, self._stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            conversing.cancel()
            writing.cancel()
            await asyncio.wait((conversing, writing))
        first = next(task for task in (self._stopped, conversing, writing) if task in done)
        await self._close(first.result())

    async def _converse(self, caller: Caller | None) -> End:
        try:
            caller = caller or await self._authenticated()
            async with self._parts.identity.long_calls.lasting(caller):
                return await self._answer(caller)
        except _Ended as ended:
            return ended.end
        except ServiceError as error:
            self._outbox.reply(refused(refusal_of(error)))
            return _end_after(error)
        except Exception:
            log.exception("socket_failed")
            return End(DEFECT, "an unexpected error; the server's log has the details")

    async def _authenticated(self) -> Caller:
        """The caller, from the first message. Raise `ServiceError`."""
        seconds = self._parts.limits.auth_seconds
        try:
            async with asyncio.timeout(seconds):
                said = await self._message(self._parts.limits.auth_bytes)
        except TimeoutError:
            raise Unauthenticated(f"no auth message came within {seconds:g} s", CREDENTIALS_MISSING) from None
        if not isinstance(said, Auth):
            raise Unauthenticated('the first message must be {"action": "auth", "token": …}', CREDENTIALS_MISSING)
        bearer = b"Bearer " + said.token.encode()
        caller = await self._parts.identity.admission.admit(AUTHENTICATED, (bearer,), (), self._sender)
        assert caller is not None
        return caller

    async def _answer(self, caller: Caller) -> End:
        conversation = Conversation(caller, self._parts, self._outbox)
        try:
            while True:
                said = await self._message(self._parts.limits.message_bytes)
                try:
                    await conversation.answer(said)
                except Refusal as refusal:
                    self._refuse(refusal)
                except ServiceError as error:
                    self._refuse(refusal_of(error, getattr(said, "channel", None)))
        finally:
            conversation.close()

    async def _message(self, most_bytes: int) -> Message:
        """The next message that can be read. The others are refused."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                raise _Ended(GONE)
            text = event.get("text")
            try:
                self._check(text if text is not None else event.get("bytes") or b"", most_bytes)
                return parse_message(text)
            except Refusal as refusal:
                self._refuse(refusal)

    def _check(self, text: str | bytes, most_bytes: int) -> None:
        # A character has one byte or more, so most texts need not be encoded for this.
        if len(text) > most_bytes or (isinstance(text, str) and len(text.encode()) > most_bytes):
            raise _Ended(End(TOO_BIG, f"a message has {most_bytes} bytes at most"))
        if self._rate.spend():
            return
        sentence = f"more than {self._parts.limits.messages_per_second} messages a second"
        if self._rate.excess > 1:
            raise _Ended(End(POLICY, sentence))
        raise Refusal("too_many_messages", f"{sentence}: this one is ignored, and the next one closes the socket")

    def _refuse(self, refusal: Refusal) -> None:
        self._outbox.reply(refused(refusal))
        if self._outbox.is_unread:
            raise _Ended(End(POLICY, "the replies are not read"))

    async def _write(self) -> End:
        try:
            while True:
                await self._put(await self._outbox.take())
        except (OSError, RuntimeError):  # what servers raise when the connection is, or is being, closed
            return GONE

    async def _put(self, text: bytes) -> None:
        await self._send({"type": "websocket.send", "text": text.decode()})

    async def _close(self, end: End) -> None:
        """Send the replies, which say why, but no events; then close, without waiting long for a client that does not
        read."""
        if end is GONE:
            return
        self._outbox.drop_frames()
        try:
            async with asyncio.timeout(self._parts.limits.close_seconds):
                while self._outbox.size:
                    await self._put(await self._outbox.take())
                await self._send({"type": "websocket.close", "code": end.code, "reason": end.reason[:LONGEST_REASON]})
        except (OSError, RuntimeError, TimeoutError):
            pass


def _end_after(error: ServiceError) -> End:
    if isinstance(error, Unauthenticated):
        return End(NOT_AUTHENTICATED, error.message)
    return End(POLICY if isinstance(error, PermissionDenied | RateLimited) else TRY_LATER, error.message)
