"""REST applications that are made once and used by one test after the other.

An application builds its routes with its first request, which takes longer than most tests. What differs from test to
test are the services that it calls.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fastapi import FastAPI

from app.api.rest.app import create_app

_idle: list[FastAPI] = []


@contextmanager
def application() -> Iterator[FastAPI]:
    """One that is used by nothing else. The test sets `state.services`; a server of it runs with `lifespan="off"`."""
    app = _idle.pop() if _idle else create_app(_opened_already)
    yield app
    del app.state.services
    _idle.append(app)


@asynccontextmanager
async def _opened_already(_: object) -> AsyncIterator[None]:
    yield
