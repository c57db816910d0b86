"""A client of server-sent events, which continues where it was, as EventSource does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

ACCEPT = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Sent:
    """One event: its name, its id at that time, and its data."""

    name: str
    id: str
    data: Any


@dataclass
class EventSource:
    """last_id: what the next connection sends.

    comments: how many were received.
    statuses: of the responses so far.
    """

    client: httpx.AsyncClient
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    last_id: str = ""
    comments: int = 0
    statuses: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncIterator[Sent]]:
        resume = {"Last-Event-ID": self.last_id} if self.last_id else {}
        async with self.client.stream("GET", self.path, headers={**ACCEPT, **resume, **self.headers}) as response:
            self.statuses.append(response.status_code)
            if response.status_code == 200:
                assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield self._events(response.aiter_lines())

    async def _events(self, lines: AsyncIterator[str]) -> AsyncIterator[Sent]:
        name, data, number = "message", "", self.last_id
        async for line in lines:
            field_name, _, value = line.partition(": ")
            match field_name:
                case "":
                    self.last_id = number
                    if data:
                        yield Sent(name, self.last_id, orjson.loads(data))
                    name, data = "message", ""
                case "id":
                    number = value
                case "event":
                    name = value
                case "data":
                    assert not data, "a document takes one line"
                    data = value
                case ":":
                    self.comments += 1
