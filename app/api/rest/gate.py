"""Asks about every request, before its route is called: who calls, may they, and not too often."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qs

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.api.rest.session_cookie import presented_session
from app.domain.permissions import Access, Permission
from app.domain.refs import Ref, parse_ref
from app.engine.identifiers import parse_execution_id
from app.identity.client_addresses import Sender
from app.identity.identity import Identity
from app.identity.workflow_limits import Named

CALLER = "caller"
"""Where the caller is in the scope of a request."""

_FILTERS = ("workflow_id", "key")
"""The query parameters of lists that name one workflow."""


class Gate:
    """Puts the caller of a request into its scope.

    app: the application whose state has the services.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def admit(self, scope: Scope, permission: Permission) -> None:
        """Raise `Unauthenticated`, `PermissionDenied`, `RateLimited` or `Unavailable` for a request that must not be
        carried out."""
        identity: Identity = self._app.state.services.identity
        admission = identity.admission
        if permission.access is Access.DOCUMENTATION and admission.documentation == "off":
            raise HTTPException(404)
        if admission.only_loopback and (server := scope.get("server")):
            admission.check_address(server[0])
        authorization, api_key = credentials_of(scope) if admission.is_on else ((), ())
        caller = await admission.admit(permission, authorization, api_key, partial(sender_of, scope))
        scope[CALLER] = caller
        if caller is not None and caller.workflows is not None:
            await admission.check_limit(caller, permission, _named(scope, caller.tenant_id))


def credentials_of(scope: Scope) -> tuple[list[bytes], list[bytes]]:
    """The values of the headers Authorization and x-api-key. Without both, a session of the dashboard counts.

    Raise `PermissionDenied` for a session that must not count.
    """
    authorization, api_key = [], []
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization.append(value)
        elif name == b"x-api-key":
            api_key.append(value)
    if not authorization and not api_key:
        authorization = list(presented_session(scope))
    return authorization, api_key


def sender_of(scope: Scope) -> Sender:
    """Where the request comes from. A Unix socket has no peer."""
    client = scope.get("client")
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return Sender(client[0] if client else None, forwarded)


def _named(scope: Scope, tenant_id: int) -> Named:
    """What the path and the query name. Raise `NotFound` or `Invalid` for a name that nothing can have."""
    path: Mapping[str, str] = scope.get("path_params", {})
    workflow = path.get("workflow") or path.get("flow")
    execution = path.get("execution") or path.get("flow_run")
    schedule = path.get("schedule")
    return Named(
        _filter(scope["query_string"], tenant_id) if workflow is None else parse_ref(workflow, tenant_id),
        None if execution is None else parse_execution_id(execution),
        None if schedule is None else parse_ref(schedule, tenant_id, "schedule"),
    )


def _filter(query: bytes, tenant_id: int) -> Ref | None:
    """The workflow that the filter of a list names; None if it names none, or more than one."""
    given = parse_qs(query.decode("latin-1"))
    names = [name for parameter in _FILTERS for name in given.get(parameter, ())]
    return parse_ref(names[0], tenant_id) if len(names) == 1 else None
