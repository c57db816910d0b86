"""One path has two meanings: `/api/workflows` is a list of this dialect, and without `/pg` a table of PostgREST.

The words of the query tell them apart: `select`, `order` and operators such as `eq.` are PostgREST's. What both could
mean is this dialect.
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.rest.dialects.pg.queries import GROUPS

SHARED = "/api/workflows"
_WORDS = frozenset({"select", "order", "offset", *GROUPS})
_CONDITION = re.compile(r"(not\.)?(eq|neq|gt|gte|lt|lte|like|ilike|is|isdistinct|in)\.")
_FORMS = (b"application/vnd.pgrst.", b"count=")
"""In the headers Accept and Prefer."""


class SharedPath:
    """Sends requests in the words of PostgREST to its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == SHARED and _speaks_postgrest(scope):
            scope = dict(scope, path=f"/pg{SHARED}")
        await self._app(scope, receive, send)


def _speaks_postgrest(scope: Scope) -> bool:
    if scope["method"] not in ("GET", "HEAD"):
        return False
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return _has_words(query) or any(
        form in value for name, value in scope["headers"] if name in (b"accept", b"prefer") for form in _FORMS
    )


def _has_words(query: Iterable[tuple[str, str]]) -> bool:
    return any(name in _WORDS or _CONDITION.match(value) for name, value in query)
