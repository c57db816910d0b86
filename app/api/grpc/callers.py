"""The caller of a method that is audited, with the call that is made."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Protocol, TypeVar
from uuid import uuid4

from app.api.grpc.errors import Context, errors_as_status
from app.api.grpc.gate import sender_of
from app.api.grpc.requests import refuse_malformed
from app.domain.callers import Caller, RequestOrigin
from app.domain.request_ids import given_id
from app.identity.client_addresses import ClientAddresses

REQUEST_ID = "x-request-id"


class Servicer(Protocol):
    """addresses: finds out where a call comes from."""

    @property
    def addresses(self) -> ClientAddresses: ...


S = TypeVar("S", bound=Servicer)
Q = TypeVar("Q")
R = TypeVar("R")


def audited(method: Callable[[S, Q, Caller], Awaitable[R]]) -> Callable[[S, Q, Context, Caller], Awaitable[R]]:
    """As `unary`, for methods that are audited: their caller has the request. The response has its id as metadata."""

    @wraps(method)
    async def call(servicer: S, request: Q, context: Context, caller: Caller) -> R:
        async with errors_as_status(context):
            refuse_malformed(request)
            address = servicer.addresses.client(sender_of(context, context.invocation_metadata()))
            origin = RequestOrigin(_request_id(context), address)
            await context.send_initial_metadata(((REQUEST_ID, origin.id),))
            return await method(servicer, request, replace(caller, request=origin))
        raise AssertionError("errors_as_status lets every error pass")

    return call


def _request_id(context: Context) -> str:
    values = [value for key, value in context.invocation_metadata() or () if key == REQUEST_ID]
    return given_id([value if isinstance(value, bytes) else value.encode() for value in values]) or uuid4().hex
