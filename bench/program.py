"""The inner side of a measuring program: it reads requests as JSON lines from stdin and writes results to stdout.

Output of libraries goes to stderr, so that it cannot mix with results. The program ends when its stdin is closed.
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
"""Carries out a request with its load."""


def take_stdout() -> TextIO:
    """The real stdout; all other output is redirected to stderr. Call this before anything is printed."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


async def answer_requests(channel: TextIO, measure: Measure) -> None:
    """Report that the program is ready, then handle requests until stdin is closed."""
    _say(channel, {"ready": True, "pid": os.getpid()})
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        _say(channel, await measure(request, Load(**request.pop("load"))))


def _say(channel: TextIO, answer: dict[str, Any]) -> None:
    channel.write(json.dumps(answer) + "\n")
    channel.flush()
