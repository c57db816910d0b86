"""The form of all errors of this API: `application/problem+json`, RFC 9457; below `/pg` that of PostgREST."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Response
from starlette.types import Scope

from app.api.rest.dialects.pg.error_form import is_of_pg, pg_document
from app.api.rest.request_ids import HEADER, request_id
from app.domain.errors import Problem

MEDIA_TYPE = "application/problem+json"
MAX_SHOWN = 100


class Refused(Exception):
    """A request that is refused because of its HTTP form, before its contents are checked."""

    def __init__(self, status: int, code: str, detail: str, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.members = members


def error_response(
    scope: Scope,
    status: int,
    code: str,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem document, with the headers. See `problem_document`. A dialect has a form of its own."""
    with_id = {HEADER: request_id(scope), **(headers or {})}
    if is_of_pg(scope["path"]):
        shown = pg_document(scope["path"], code, detail, problems, members)
        return Response(orjson.dumps(shown), status, with_id, "application/json")
    document = problem_document(scope, status, code, detail, problems=problems, members=members)
    return Response(orjson.dumps(document), status, with_id, MEDIA_TYPE)


def problem_document(
    scope: Scope,
    status: int,
    code: str,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    members: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a problem document.

    scope: that of the request.
    status: the HTTP status.
    code: for programs; it never changes.
    detail: a sentence for people.
    problems: the wrong fields; at most `MAX_SHOWN` are listed.
    members: further members.
    """
    document: dict[str, Any] = {
        "type": f"urn:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": quote(scope["path"]),
        "code": code,
        "request_id": request_id(scope),
        **(members or {}),
    }
    if problems:
        document["errors"] = [{"field": p.path, "message": p.message} for p in problems[:MAX_SHOWN]]
    return document


def summary_of(problems: Sequence[Problem]) -> str:
    """One sentence for all problems."""
    first = problems[0]
    shown = f"{first.path}: {first.message}" if first.path else first.message
    return shown if len(problems) == 1 else f"{shown}; and {len(problems) - 1} more"
