"""The interceptor that asks about every call, before its method is called: who calls, may they, and not too often.

It is installed only while there is something to ask. A call that it admits gets its caller as a further argument of the
method, so a method cannot be called without one.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc

from app.api.grpc.errors import Context, abort, errors_as_status
from app.api.grpc.requests import refuse_malformed
from app.domain.callers import Caller
from app.domain.errors import ServiceError
from app.domain.permissions import Access, Permission, Target, permission_of
from app.domain.refs import parse_ref
from app.engine.identifiers import parse_execution_id
from app.identity.client_addresses import Sender
from app.identity.identity import Identity
from app.identity.workflow_limits import Named

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"

_OWN = "/workflow."
"""How the names of the methods begin that take a caller. Health and reflection are the libraries' own."""


class Gate(grpc.aio.ServerInterceptor):
    """Admits calls.

    identity: decides who calls, and may they.
    """

    def __init__(self, identity: Identity) -> None:
        self._admission = identity.admission
        self._long_calls = identity.long_calls

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> "Handler | None":
        name = str(handler_call_details.method)
        permission, handler = permission_of(name), await continuation(handler_call_details)
        if permission.access is Access.OPEN:
            return handler
        credentials = _credentials(handler_call_details.invocation_metadata)
        caller = self._admission.recognised(*credentials)
        if caller is None or handler is None:
            question = partial(self._admission.admit, permission, *credentials)
            return self._asking(handler, handler_call_details, permission, question)
        try:
            await self._admission.allow(caller, permission)
        except ServiceError as error:
            return _refusal(error)
        return self._bound(handler, caller, permission) if name.startswith(_OWN) else handler

    def _asking(
        self,
        handler: Any,
        details: grpc.HandlerCallDetails,
        permission: Permission,
        question: Callable[..., Awaitable[Caller | None]],
    ) -> Handler:
        """A handler that asks who calls once the peer is known, before it reads what the client sends. An interceptor
        does not know the peer."""

        async def call(requests: object, context: Context) -> None:
            async with errors_as_status(context):
                caller = await question(partial(sender_of, context, details.invocation_metadata))
            if handler is None:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
            admitted = handler
            if caller is not None and str(details.method).startswith(_OWN):
                admitted = self._bound(handler, caller, permission)
            await _carry_out(admitted, requests, context)

        if handler is None:
            return grpc.stream_stream_rpc_method_handler(call)
        return grpc.stream_stream_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _bound(self, handler: Any, caller: Caller, permission: Permission) -> Handler:
        """The handler with the caller as a further argument of its method."""
        if not handler.response_streaming:
            method = partial(handler.unary_unary, caller=caller)
            bound: Handler = handler._replace(unary_unary=self._limited(method, caller, permission))
        else:
            method = partial(handler.unary_stream, caller=caller)
            bound = handler._replace(unary_stream=self._lasting(self._limited(method, caller, permission), caller))
        return bound

    def _limited(self, method: Any, caller: Caller, permission: Permission) -> Any:
        """The method, which first checks the limit of the caller, if it has one."""
        if caller.workflows is None:
            return method

        async def call(request: Any, context: Context) -> Any:
            async with errors_as_status(context):
                refuse_malformed(request)
                await self._admission.check_limit(
                    caller, permission, _named(request, permission.target, caller.tenant_id)
                )
            return await method(request, context)

        return call

    def _lasting(self, method: Any, caller: Caller) -> Any:
        """The method, which ends when the caller is no longer valid."""

        async def call(request: Any, context: Context) -> None:
            async with errors_as_status(context), self._long_calls.lasting(caller):
                await method(request, context)

        return call


def _credentials(metadata: Any) -> tuple[list[bytes], list[bytes]]:
    """The values of the keys authorization and x-api-key."""
    found: dict[str, list[bytes]] = {"authorization": [], "x-api-key": []}
    for key, value in metadata or ():
        if key in found:
            found[key].append(value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape"))
    return found["authorization"], found["x-api-key"]


def _named(request: Any, target: Target, tenant_id: int) -> Named:
    """What a request names. Raise `NotFound` for a name that nothing can have."""
    workflow, execution = getattr(request, "workflow_id", ""), getattr(request, "execution_id", "")
    return Named(
        parse_ref(workflow, tenant_id) if workflow else None,
        parse_execution_id(execution) if target is Target.EXECUTION else None,
    )


def sender_of(context: Context, metadata: Any) -> Sender:
    """Where a call comes from."""
    forwarded = [value for key, value in metadata or () if key == "x-forwarded-for"]
    return Sender(peer_address(context.peer()), [value.encode("latin-1", "replace") for value in forwarded])


def peer_address(peer: str) -> str | None:
    """The address in the name that gRPC gives a peer: `ipv4:1.2.3.4:5`, `ipv6:[::1]:5`, `ipv6:%5B::1%5D:5`; None for
    a Unix socket."""
    family, _, rest = unquote(peer).partition(":")
    if family.startswith("unix"):
        return None
    return rest.rpartition(":")[0].strip("[]") if family in ("ipv4", "ipv6") else rest


async def _carry_out(handler: Any, requests: Any, context: Context) -> None:
    """Call a handler of whatever kind as one of streams: they look the same to the client."""
    if handler.request_streaming:
        async for response in handler.stream_stream(requests, context):
            await context.write(response)
        return
    request = await context.read()
    if request is grpc.aio.EOF:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no request")
    if handler.response_streaming:
        await handler.unary_stream(request, context)
    else:
        await context.write(await handler.unary_unary(request, context))


def _refusal(error: ServiceError) -> Handler:
    """A handler that refuses the call, of whatever kind: without reading what the client sends."""

    async def refuse(requests: object, context: Context) -> None:
        await abort(context, error)

    return grpc.stream_stream_rpc_method_handler(refuse)
