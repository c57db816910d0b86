"""Builds responses from bytes: stored documents are sent unchanged, without being parsed and encoded again."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson
from fastapi import Response

from app.api.rest.conditional_requests import matches_weakly
from app.api.rest.dialects.shown_steps import with_steps
from app.definitions.ports import StoredWorkflow
from app.domain.errors import Problem

PREFIX = "/api/v1"
MEDIA_TYPE = "application/json"


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers, MEDIA_TYPE)


def document_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return json_response(orjson.dumps(document), status, headers)


def readable_response(
    body: bytes, if_none_match: str | None, etag: str | None = None, media_type: str = MEDIA_TYPE
) -> Response:
    """The response to a GET. Without `etag`, the ETag is the hash of the body."""
    etag = etag or f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if matches_weakly(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def immutable_response(body: bytes, if_none_match: str | None, etag: str) -> Response:
    """The response to a GET of what never changes. It is private because it is for callers with a permission."""
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    if matches_weakly(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return json_response(body, headers=headers)


def workflow_response(stored: StoredWorkflow, status: int = 200) -> Response:
    """A workflow that was just written, with the ETag for the next change. If there are warnings, they come last."""
    headers = {"ETag": stored.etag}
    if status == 201:
        headers["Location"] = f"{PREFIX}/workflows/{stored.workflow.id}"
    return json_response(with_warnings(with_steps(stored.body), stored.warnings), status, headers)


def with_warnings(document: bytes, warnings: Sequence[Problem]) -> bytes:
    """The JSON object with the field `warnings`, unless there are none."""
    if not warnings:
        return document
    return b'%b,"warnings":%b}' % (document[:-1], orjson.dumps(problem_documents(warnings)))


def problem_documents(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"path": problem.path, "message": problem.message} for problem in problems]


def page_body(items: Sequence[bytes], total: int, skip: int, limit: int) -> bytes:
    """A page of a list as JSON. `page` counts from 1, `size` is the limit, `pages` is the number of pages."""
    page, pages = skip // limit + 1, -(-total // limit)
    tail = b'],"page":%d,"size":%d,"total":%d,"pages":%d}' % (page, limit, total, pages)
    return b'{"items":[' + b",".join(items) + tail
