"""Server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html defines them."""

import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Header

from app.domain.errors import Invalid

MEDIA_TYPE = "text/event-stream"

RETRY = b"retry: 1000\n\n"
"""A browser that has lost the connection connects again after a second."""

CHUNK_BYTES = 65_536

_ID = re.compile(r"[0-9]{1,19}")
_QUALITY = re.compile(r";\s*q=([0-9.]{1,5})")

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="For streams: the `id` of the last event that was received. It takes precedence over `after`.",
    ),
]


@dataclass(frozen=True, slots=True)
class Part:
    """Events that follow one another.

    events: the id and the JSON document of each, made when they are sent. There may be none.
    reached: the id up to which nothing is missing.
    """

    events: Iterable[tuple[int, bytes]]
    reached: int


Parts = AsyncGenerator[Part]


def accepts_stream(accept: str | None) -> bool:
    """Whether the header Accept names event streams, and does not prefer JSON."""
    qualities = dict(map(_quality, (accept or "").lower().split(",")))
    stream = qualities.get(MEDIA_TYPE, 0.0)
    return stream > 0 and stream >= qualities.get("application/json", 0.0)


def parse_last_event_id(header: str, highest: int) -> int:
    """Raise `Invalid` for what no stream has sent."""
    if not _ID.fullmatch(header) or int(header) > highest:
        raise Invalid.at("Last-Event-ID", f"must be the id of an event, a number from 0 to {highest}")
    return int(header)


def chunks_of(part: Part) -> Iterator[tuple[int, bytes]]:
    """The events as text, and the id of the last one in each: several small ones together, a large one alone.

    JSON documents have no line ends, so each takes one line.
    """
    held: list[bytes] = []
    size = number = 0
    for number, document in part.events:
        held += (b"id: %d\ndata: " % number, document, b"\n\n")
        size += len(document)
        if size >= CHUNK_BYTES:
            yield number, b"".join(held)
            held, size = [], 0
    if held:
        yield number, b"".join(held)


def comment(reached: int | None) -> bytes:
    """Shows that the connection is alive, and moves the id from which a client continues. No client sees an event."""
    return b":\n\n" if reached is None else b":\nid: %d\n\n" % reached


def named_event(name: str, document: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(document))


def _quality(text: str) -> tuple[str, float]:
    media_type, _, parameters = text.partition(";")
    given = _QUALITY.search(f";{parameters}")
    try:
        return media_type.strip(), 1.0 if given is None else float(given[1])
    except ValueError:
        return media_type.strip(), 0.0
