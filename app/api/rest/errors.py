"""Converts errors to HTTP responses. It has the table of statuses of `ServiceError`; a `Refused` carries its own."""

import logging
from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.rest.error_responses import Refused, error_response, problem_document, summary_of
from app.api.rest.field_problems import field_problems
from app.api.rest.request_ids import request_id
from app.domain import errors
from app.domain.errors import Problem, ServiceError
from app.insights.refusals import SuggestionStale
from app.machines.listing import ValueRefused
from app.machines.refusals import (
    EffectFailed,
    EntityExists,
    MachineInUse,
    Reason,
    Refusal,
    SequenceMismatch,
    TransitionRefused,
)

STATUSES: Mapping[type[ServiceError], int] = {
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InUse: 409,
    errors.WrongState: 409,
    errors.QuotaExceeded: 409,
    errors.PositionExpired: 410,
    errors.Outdated: 409,
    errors.RevisionMismatch: 412,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.RateLimited: 429,
    errors.StartsExceeded: 429,
    errors.Unavailable: 503,
    TransitionRefused: 409,
    EntityExists: 409,
    MachineInUse: 409,
    EffectFailed: 409,
    SequenceMismatch: 412,
    ValueRefused: 400,
    SuggestionStale: 409,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_UNEXPECTED = "an unexpected error; the server's log has the details under request {}"

logger = logging.getLogger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_gone)


class UnexpectedErrors:
    """Logs an error that no handler knows, and returns a 500 with the id of the log entry and no other details."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except CancelledError:
            if scope["type"] == "http" and not started:
                await _stopped(scope)(scope, receive, send)
            raise
        except Exception:
            if scope["type"] != "http" or started:
                raise
            logger.exception("request %s failed: %s %s", request_id(scope), scope["method"], scope["path"])
            await _unexpected(scope)(scope, receive, send)


def _stopped(scope: Scope) -> Response:
    detail = "the server stopped during the request, and it is not known whether it took effect; try again"
    return error_response(scope, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers={"Retry-After": "1"})


def _unexpected(scope: Scope) -> Response:
    return error_response(scope, 500, "internal", _UNEXPECTED.format(request_id(scope)))


def unexpected_problem(scope: Scope) -> dict[str, Any]:
    """As `problem_of`, for an error that is no `ServiceError`."""
    return problem_document(scope, 500, "internal", _UNEXPECTED.format(request_id(scope)))


def problem_of(scope: Scope, error: ServiceError) -> dict[str, Any]:
    """The problem document of an error, for a response that has begun."""
    return problem_document(
        scope, _status_of(error), error.code, error.message, problems=_problems_of(error), members=_members_of(error)
    )


async def _service_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise TypeError(error)
    return service_error_response(request.scope, error)


def service_error_response(scope: Scope, error: ServiceError) -> Response:
    problems = _problems_of(error)
    detail = summary_of(problems) if isinstance(error, errors.Invalid) else error.message
    status = _status_of(error)
    headers, members = _headers_of(error, status), _members_of(error)
    return error_response(scope, status, error.code, detail, problems=problems, headers=headers, members=members)


def _status_of(error: ServiceError) -> int:
    """The status of the error's class, or of its nearest base class that has one."""
    if isinstance(error, TransitionRefused) and error.refusal.reason is Reason.ROLE:
        return HTTPStatus.FORBIDDEN
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def _headers_of(error: ServiceError, status: int) -> Mapping[str, str] | None:
    """The headers that the status demands (RFC 6750 for 401; for 429 the draft of the HTTPAPI working group)."""
    if isinstance(error, errors.StartsExceeded):
        return {"Retry-After": f"{error.retry_after}"}
    if isinstance(error, errors.RateLimited):
        seconds = error.retry_after
        return {
            "Retry-After": f"{seconds}",
            "RateLimit-Policy": f'"{error.policy}";q={error.per_minute};w={errors.RATE_SECONDS}',
            "RateLimit": f'"{error.policy}";r=0;t={seconds}',
        }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": "1"}
    if not isinstance(error, errors.Unauthenticated):
        return None
    reason = "" if error.code == errors.CREDENTIALS_MISSING else ', error="invalid_token"'
    return {"WWW-Authenticate": f'Bearer realm="workflow"{reason}'}


def _members_of(error: ServiceError) -> Mapping[str, Any] | None:
    """What programs need to continue, as members of the problem."""
    match error:
        case errors.PositionExpired():
            return {"oldest": error.oldest}
        case EntityExists():
            return {"entity_id": error.entity_id}
        case TransitionRefused():
            return _state_of(error.refusal)
        case _:
            return None


def _state_of(refusal: Refusal) -> Mapping[str, Any]:
    """Where the entity is; unless a condition does not hold, also what leaves this state."""
    state = {"state": refusal.state}
    is_blocked = refusal.reason in (Reason.CONDITIONS, Reason.ROLE)
    return state if is_blocked else state | {"transitions": list(refusal.errors)}


def _problems_of(error: ServiceError) -> Sequence[Problem]:
    match error:
        case errors.Invalid():
            return error.problems
        case errors.Conflict() | errors.Outdated() | errors.TooLarge():
            return [Problem(error.field, error.message)]
        case TransitionRefused():
            refusal = error.refusal
            is_blocked = refusal.reason in (Reason.CONDITIONS, Reason.ROLE)
            return [Problem("", text) for text in (refusal.errors if is_blocked else [refusal.message])]
        case _:
            return ()


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise TypeError(error)
    return error_response(request.scope, error.status, error.code, error.detail, members=error.members)


async def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError(error)
    problems = field_problems(error.errors())
    return error_response(request.scope, 422, errors.Invalid.code, summary_of(problems), problems=problems)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(error)
    path, method = request.url.path, request.method
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_allowed_methods(request))
        detail = f"{path} does not take {method}; it takes {allowed}"
        return error_response(request.scope, 405, "method_not_allowed", detail, headers={"Allow": allowed})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return error_response(request.scope, 404, "path_not_found", f"there is nothing at {path}")
    return error_response(request.scope, error.status_code, "http_error", error.detail, headers=error.headers)


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes of this path; the framework only names those of the first route."""
    allowed = []
    for method in METHODS:
        scope = dict(request.scope, method=method)
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            allowed += ["GET", "HEAD"] if method == "GET" else [method]
    return allowed


async def _client_gone(request: Request, error: Exception) -> Response:
    """The client does not receive this response. Without a handler, the lost connection would be logged as an error."""
    return Response(status_code=400)
