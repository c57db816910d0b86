"""Adds to the OpenAPI document what types do not express: the errors of each operation, and the headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response

from app.api.dashboard.serving import Dashboard
from app.api.rest.dialects.pg.documents import pg_error
from app.api.rest.dialects.pg.error_form import is_of_pg
from app.api.rest.error_responses import MEDIA_TYPE
from app.api.rest.responses import PREFIX, document_response
from app.api.rest.views import Problem
from app.kafka.asyncapi import asyncapi_document

Responses = dict[int | str, dict[str, Any]]

DOCS = "/docs"

DESCRIPTION = """
Describe multi-step work as data, run it durably, watch every step live.

Each path also works without the prefix `/api/v1`, and with a slash at the end. Errors are `application/problem+json`
with a stable `code`. A workflow's key can be used in place of its id. A request may bring an `X-Request-ID`; responses
to changes have one, and so have all errors. Below `/pg`, the same machines and entities are tables and functions as
PostgREST has them, with its errors.
"""

_EXAMPLES: Mapping[int, tuple[str, str, list[dict[str, str]]]] = {
    400: ("malformed_json", "the body is not JSON at line 1, column 9: a value is missing here", []),
    401: ("credentials_missing", "send an API key or a token in the header `Authorization: Bearer …`", []),
    403: ("permission_denied", "key:Xk3vT9aB lacks executions:start, which the role operator has", []),
    404: ("workflow_not_found", "workflow '99' does not exist", []),
    409: (
        "conflict",
        "this key belongs to another workflow",
        [{"field": "key", "message": "this key belongs to another workflow"}],
    ),
    410: (
        "position_expired",
        "the events behind position 17 have been removed; read on from 4711, the oldest that is kept",
        [],
    ),
    412: ("revision_mismatch", "workflow '7' is at revision 4; read it again and repeat the change", []),
    413: ("too_large", "body has more bytes; the limit is 1048576 bytes", []),
    415: ("unsupported_media_type", "the body must be JSON, with Content-Type: application/json", []),
    421: (
        "unknown_host",
        "'example.com' is not a name of this service; call it as localhost, or add the name to ALLOWED_HOSTS",
        [],
    ),
    422: ("invalid", "name: must not be blank", [{"field": "name", "message": "must not be blank"}]),
    429: (
        "rate_limited",
        "key:Xk3vT9aB has made too many requests in a minute; the limit is 6000; try again in 12 s",
        [],
    ),
    500: ("internal", "an unexpected error; the server's log has the details under request 6f1c0d2b", []),
    503: ("unavailable", "the database does not answer", []),
}

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of an identity provider."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
}
"""Needed only while the setting AUTH is `on`."""

ETAG = {"ETag": {"description": "Identifies these contents, for `If-None-Match`.", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "The URL of the new object.", "schema": {"type": "string"}}}

RATE_LIMITED = {
    "Retry-After": {"description": "Seconds until the next request may be allowed.", "schema": {"type": "integer"}},
    "RateLimit-Policy": {
        "description": "The limit: its name, requests `q`, seconds `w`.",
        "schema": {"type": "string", "examples": ['"caller";q=6000;w=60']},
    },
    "RateLimit": {
        "description": "Requests `r` that are left, and seconds `t` until there are more.",
        "schema": {"type": "string", "examples": ['"caller";r=0;t=12']},
    },
}

EVENT_STREAM = {
    "text/event-stream": {
        "schema": {"type": "string"},
        "example": 'retry: 1000\n\nid: 4\ndata: {"sequence":4,"type":"task_completed"}\n\n',
    }
}

WITH_BODY = (400, 413, 415)
ALWAYS = (401, 403, 422, 429, 500, 503)


def documented_errors(*statuses: int) -> Responses:
    """The errors of an operation: `statuses`, and those that all operations may return."""
    return {status: _problem(status) for status in sorted({*statuses, *ALWAYS})}


def readable(*statuses: int) -> Responses:
    """The responses of an operation that returns an ETag, and its errors."""
    unchanged = {"description": "Not modified: `If-None-Match` names the current ETag.", "headers": ETAG}
    return {200: {"headers": ETAG}, 304: unchanged, **documented_errors(*statuses)}


def or_stream(responses: Responses) -> Responses:
    """The responses of an operation that also streams server-sent events."""
    return responses | {200: {"content": EVENT_STREAM, **responses.get(200, {})}}


def _problem(status: int) -> dict[str, Any]:
    code, detail, errors = _EXAMPLES[status]
    title = HTTPStatus(status).phrase
    example = {
        "type": f"urn:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/api/v1/workflows/99",
        "code": code,
        "request_id": "6f1c0d2b",
        **({"errors": errors} if errors else {}),
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    headers = {"headers": RATE_LIMITED} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return headers | {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


class DocumentedApi(FastAPI):
    """Adds the schema `Problem`, which all errors refer to, the errors that come before any operation, and how callers
    say who they are. Serves the document below the prefix, too.
    """

    def setup(self) -> None:
        super().setup()
        self.add_route(DOCS, self._read_docs, include_in_schema=False, name="swagger_ui_html")
        self.add_route(f"{PREFIX}/openapi.json", self._read_openapi, include_in_schema=False, name="openapi")
        self.add_route(f"{PREFIX}/asyncapi.json", self._read_asyncapi, include_in_schema=False, name="asyncapi")

    async def _read_docs(self, request: Request) -> Response:
        dashboard: Dashboard = request.app.state.services.dashboard
        return dashboard.documentation(request.scope)

    async def _read_openapi(self, request: Request) -> Response:
        return document_response(self.openapi())

    async def _read_asyncapi(self, request: Request) -> Response:
        """The topics of Kafka, also while it is off."""
        return document_response(asyncapi_document(request.app.state.services.kafka_topics, self.version))

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"] = document.get("components", {}) | {"securitySchemes": SECURITY}
            document["security"] = [{name: []} for name in SECURITY] + [{}]
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas |= problem.pop("$defs", {}) | {"Problem": problem}
            _add_refusals(document)
        return super().openapi()


def _add_refusals(document: dict[str, Any]) -> None:
    """Add what `browser_guard` returns: 421 to all operations, 403 to those that change something."""
    for path, operations in document["paths"].items():
        describe = pg_error if is_of_pg(path) else _problem
        for method, operation in operations.items():
            statuses = (421,) if method == "get" else (403, 421)
            operation["responses"] |= {str(status): describe(status) for status in statuses}
