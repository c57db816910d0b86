"""Converts errors to gRPC statuses with google.rpc details. It has the only table of codes for this transport."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status

from app.api.grpc.requests import refuse_malformed
from app.domain.callers import Caller
from app.domain.errors import (
    Conflict,
    InUse,
    Invalid,
    NotFound,
    Outdated,
    PermissionDenied,
    PositionExpired,
    QuotaExceeded,
    RateLimited,
    RevisionMismatch,
    ServiceError,
    StartsExceeded,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongState,
)
from app.machines.refusals import (
    EffectFailed,
    EntityExists,
    MachineInUse,
    Reason,
    Refusal,
    SequenceMismatch,
    TransitionRefused,
)

log = structlog.get_logger(__name__)

CODES: dict[type[ServiceError], grpc.StatusCode] = {
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    InUse: grpc.StatusCode.FAILED_PRECONDITION,
    RevisionMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    Outdated: grpc.StatusCode.FAILED_PRECONDITION,
    WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    PositionExpired: grpc.StatusCode.OUT_OF_RANGE,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    TransitionRefused: grpc.StatusCode.FAILED_PRECONDITION,
    EffectFailed: grpc.StatusCode.FAILED_PRECONDITION,
    MachineInUse: grpc.StatusCode.FAILED_PRECONDITION,
    EntityExists: grpc.StatusCode.ALREADY_EXISTS,
    SequenceMismatch: grpc.StatusCode.ABORTED,
}
DETAILS_KEY = "grpc-status-details-bin"

# Clients accept 8 KiB of trailers by default. For more they report an error of their own, which hides the cause.
LONGEST_MESSAGE = 500
LONGEST_VALUE = 200
MOST_VIOLATIONS = 8

Context = grpc.aio.ServicerContext[Any, Any]
S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")


def unary(method: Callable[[S, Q, Caller], Awaitable[R]]) -> Callable[[S, Q, Context, Caller], Awaitable[R]]:
    """Make a servicer's method from one without a context, which returns a response or raises a `ServiceError`.

    The server adds the caller as the last argument (`app/api/grpc/gate.py`).
    """

    @wraps(method)
    async def call(servicer: S, request: Q, context: Context, caller: Caller) -> R:
        async with errors_as_status(context):
            refuse_malformed(request)
            return await method(servicer, request, caller)
        raise AssertionError("errors_as_status lets every error pass")

    return call


@asynccontextmanager
async def errors_as_status(context: Context) -> AsyncIterator[None]:
    """Return a `ServiceError` as its status. Log any other error and return INTERNAL without details."""
    try:
        yield
    except ServiceError as error:
        await abort(context, error)
    except grpc.aio.AbortError:
        raise
    except Exception:
        log.exception("grpc_call_failed")
        await context.abort(grpc.StatusCode.INTERNAL, "an unexpected error; the server's log has the details")


async def abort(context: Context, error: ServiceError) -> NoReturn:
    code = _code(error)
    message = shortened(error.message, LONGEST_MESSAGE)
    await context.abort(code, message, trailing_metadata=((DETAILS_KEY, _details(code, message, error)),))


def _code(error: ServiceError) -> grpc.StatusCode:
    if isinstance(error, TransitionRefused) and error.refusal.reason is Reason.ROLE:
        return grpc.StatusCode.PERMISSION_DENIED
    return next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)


def _details(code: grpc.StatusCode, message: str, error: ServiceError) -> bytes:
    status = Status(code=code.value[0], message=message)
    info = ErrorInfo(reason=error.code, domain="workflow", metadata=_metadata(error))
    status.details.append(_packed(info))
    if isinstance(error, Invalid):
        violations = [
            BadRequest.FieldViolation(
                field=shortened(problem.path, LONGEST_VALUE), description=shortened(problem.message, LONGEST_VALUE)
            )
            for problem in error.problems[:MOST_VIOLATIONS]
        ]
        status.details.append(_packed(BadRequest(field_violations=violations)))
    if isinstance(error, TransitionRefused):
        status.details.append(_packed(_violations(error.refusal)))
    if isinstance(error, (RateLimited, StartsExceeded)):
        status.details.append(_packed(RetryInfo(retry_delay=Duration(seconds=error.retry_after))))
    return bytes(status.SerializeToString())


def _violations(refusal: Refusal) -> PreconditionFailure:
    """What blocks a transition, one by one."""
    violations = [
        PreconditionFailure.Violation(type=refusal.reason.value, description=shortened(text, LONGEST_VALUE))
        for text in refusal.errors[:MOST_VIOLATIONS]
    ]
    return PreconditionFailure(violations=violations)


def _metadata(error: ServiceError) -> dict[str, str]:
    match error:
        case NotFound(kind=kind, ref=ref):
            return {kind: shortened(ref, LONGEST_VALUE)}
        case TooLarge(field=field, limit=limit):
            return {"field": field, "limit": str(limit)}
        case RateLimited(policy=policy, per_minute=per_minute):
            return {"policy": policy, "per_minute": str(per_minute)}
        case QuotaExceeded(limit=limit):
            return {"limit": limit}
        case PositionExpired(position=position, oldest=oldest):
            return {"position": str(position), "oldest": str(oldest)}
        case _:
            return _metadata_of_machines(error)


def _metadata_of_machines(error: ServiceError) -> dict[str, str]:
    match error:
        case TransitionRefused(refusal=refusal):
            return {"state": shortened(refusal.state, LONGEST_VALUE)}
        case EntityExists(entity_id=entity_id):
            return {"entity": entity_id}
        case SequenceMismatch(current=current):
            return {"sequence": str(current)}
        case _:
            return {}


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def _packed(message: ErrorInfo | BadRequest | PreconditionFailure | RetryInfo) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
