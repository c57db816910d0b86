"""The response that is a stream of server-sent events.

Nothing is buffered here: the next part is asked for when the client's connection has taken the one before. How a stream
ends tells the client what to do. EventSource connects again whenever a response ends, and stops at 204 and at errors.

- `event: end`: nothing will follow. A client that connects again all the same gets 204.
- `event: error`, with a problem: the stream cannot continue. A client that connects again gets the same problem as an
  error, unless the caller has corrected what is wrong.
- neither: the process stops. A client that connects again continues on another one, or on the next.
- while the database does not answer, the stream stays open and waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from app.api.rest.errors import problem_of, unexpected_problem
from app.api.rest.live_streams import LiveStreams
from app.api.rest.request_ids import request_id
from app.api.rest.route_table import ONLY_HEAD
from app.api.rest.server_sent_events import MEDIA_TYPE, RETRY, Part, Parts, chunks_of, comment, named_event
from app.background.backoff import Backoff
from app.domain.errors import ServiceError, Unavailable

logger = logging.getLogger(__name__)

HEADERS: Mapping[str, str] = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no", "Vary": "Accept"}
"""No proxy keeps, compresses or collects what it passes on."""

AGAIN = Backoff(first_seconds=0.5, longest_seconds=5.0)

Open = Callable[[int | None], Awaitable[Parts]]
"""Opens the parts behind an id; None begins with what is stored from now on."""


class EventStream(Response):
    """A stream of parts.

    parts: what is sent.
    live: all streams of this process.
    lasting: ends the stream when the caller is no longer valid.
    told: the id up to which the client knows that it has everything; None if it does not know where the stream begins.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self, parts: Parts, live: LiveStreams, lasting: AbstractAsyncContextManager[None], told: int | None
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._parts = parts
        self._live = live
        self._lasting = lasting
        self._told = told
        self._reached = told
        self._sent_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope.get(ONLY_HEAD):
                await send(_body(b"", more=False))
                return
            await _while_connected(self._to_its_end(scope, send), receive)

    async def _to_its_end(self, scope: Scope, send: Send) -> None:
        try:
            async with self._lasting:
                await self._write(send)
            last = named_event("end", {"id": self._reached})
        except ServiceError as error:
            stops = self._live.is_closing and isinstance(error, Unavailable)
            last = b"" if stops else named_event("error", problem_of(scope, error))
        except Exception:
            logger.exception("stream %s failed: %s", request_id(scope), scope["path"])
            last = named_event("error", unexpected_problem(scope))
        await send(_body(last, more=False))

    async def _write(self, send: Send) -> None:
        await self._put(send, RETRY)
        while (part := await self._next(send)) is not None:
            for last, chunk in chunks_of(part):
                await self._put(send, chunk)
                self._told = last
            self._reached = part.reached
            if self._told is None:
                await self._comment(send)

    async def _next(self, send: Send) -> Part | None:
        """The next part; None at the end. Sends comments until there is one."""
        asked = asyncio.create_task(_next_of(self._parts))
        try:
            while not asked.done():
                left = self._sent_at + self._live.comment_seconds - _now()
                if left <= 0:
                    await self._comment(send)
                else:
                    await asyncio.wait({asked}, timeout=left)
            return asked.result()
        finally:
            await _ended(asked)

    async def _comment(self, send: Send) -> None:
        moved = self._reached if self._reached != self._told else None
        self._told = self._reached
        await self._put(send, comment(moved))

    async def _put(self, send: Send, chunk: bytes) -> None:
        """Returns when the connection has taken what was sent before."""
        await send(_body(chunk, more=True))
        self._sent_at = _now()


async def unbroken(
    open_parts: Open, first: Parts, after: int | None, live: LiveStreams, again: Backoff = AGAIN
) -> Parts:
    """The parts as they come, and after a failure of the database those behind what was read before.

    open_parts: opens the parts behind an id.
    first: the parts to begin with.
    after: the id that they begin behind, as `open_parts` takes it.
    live: says when the process stops.
    """
    parts: Parts | None = first
    failures = 0
    while True:
        try:
            async with aclosing(parts or await open_parts(after)) as opened:
                async for part in opened:
                    failures = 0
                    yield part
                    after = part.reached
        except Unavailable:
            if live.is_closing:
                raise
        else:
            return
        parts, failures = None, failures + 1
        await live.pause(again.pause(failures))


async def _while_connected(writing: Awaitable[None], receive: Receive) -> None:
    """Write until it is done, or until the client is gone."""
    tasks = [asyncio.ensure_future(writing), asyncio.ensure_future(_gone(receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _ended(*tasks)
    if not tasks[0].cancelled():
        tasks[0].result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _next_of(parts: Parts) -> Part | None:
    return await anext(parts, None)


def _body(chunk: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


def _now() -> float:
    return asyncio.get_running_loop().time()
