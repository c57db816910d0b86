"""A measuring program as seen from inside: requests come as lines of JSON on stdin, answers go as lines to stdout.

What libraries print goes to stderr, so that it cannot get between. The program ends when its stdin does.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

from bench.closed_loop import Load

LINE_LIMIT = 1 << 24
Measure = Callable[[dict[str, Any], Load], Awaitable[dict[str, Any]]]
"""Does what a request asks for, under the load that is a part of it."""


def take_stdout() -> TextIO:
    """The real stdout, from which everything else is turned away. Call it before anything is printed."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


async def answer_requests(channel: TextIO, measure: Measure) -> None:
    """Say that all is ready, then answer until nobody asks any more."""
    _say(channel, {"ready": True, "pid": os.getpid()})
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        _say(channel, await measure(request, Load(**request.pop("load"))))


def _say(channel: TextIO, answer: dict[str, Any]) -> None:
    channel.write(json.dumps(answer) + "\n")
    channel.flush()
