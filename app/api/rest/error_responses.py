"""RFC 9457 `application/problem+json`: what every error of this API looks like."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Response

from app.domain.errors import Problem

MEDIA_TYPE = "application/problem+json"
MAX_SHOWN = 100


class Refused(Exception):
    """A request that is refused for what it is as HTTP, before its contents matter."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def error_response(
    path: str,
    status: int,
    code: str,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`code` stays the same for ever, `detail` is for people; at most `MAX_SHOWN` problems are listed."""
    document: dict[str, Any] = {
        "type": f"urn:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": quote(path),
        "code": code,
    }
    if problems:
        document["errors"] = [{"field": p.path, "message": p.message} for p in problems[:MAX_SHOWN]]
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def summary_of(problems: Sequence[Problem]) -> str:
    """One sentence for all of them."""
    first = problems[0]
    shown = f"{first.path}: {first.message}" if first.path else first.message
    return shown if len(problems) == 1 else f"{shown}; and {len(problems) - 1} more"
