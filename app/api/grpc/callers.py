"""The caller of a method that is audited, with the call that is made."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import TypeVar
from urllib.parse import unquote
from uuid import uuid4

from app.api.grpc.errors import Context, errors_as_status
from app.api.grpc.requests import refuse_malformed
from app.domain.callers import Caller, RequestOrigin
from app.domain.request_ids import given_id

REQUEST_ID = "x-request-id"

S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")


def audited(method: Callable[[S, Q, Caller], Awaitable[R]]) -> Callable[[S, Q, Context, Caller], Awaitable[R]]:
    """As `unary`, for methods that are audited: their caller has the request. The response has its id as metadata."""

    @wraps(method)
    async def call(servicer: S, request: Q, context: Context, caller: Caller) -> R:
        async with errors_as_status(context):
            refuse_malformed(request)
            origin = RequestOrigin(_request_id(context), address_of(context.peer()))
            await context.send_initial_metadata(((REQUEST_ID, origin.id),))
            return await method(servicer, request, replace(caller, request=origin))
        raise AssertionError("errors_as_status lets every error pass")

    return call


def address_of(peer: str) -> str | None:
    """The address in what gRPC calls a peer, as `ipv4:192.0.2.7:50312`; None if it has none."""
    kind, _, rest = peer.partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    return unquote(rest).rpartition(":")[0].strip("[]") if kind == "ipv6" else None


def _request_id(context: Context) -> str:
    values = [value for key, value in context.invocation_metadata() or () if key == REQUEST_ID]
    return given_id([value if isinstance(value, bytes) else value.encode() for value in values]) or uuid4().hex
