"""Decides about every call of both protocols: who calls, and whether the caller may."""

from collections.abc import Sequence
from typing import Literal

from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.loopback import is_loopback
from app.domain.permissions import Access, Permission, least_role, missing_scopes
from app.identity.authentication import Authenticator
from app.identity.credentials import presented
from app.identity.workflow_limits import Named, WorkflowLimits

Documentation = Literal["open", "callers", "off"]


class Admission:
    """Who calls, and may they.

    authenticator: finds out who calls; None when everyone is `ANONYMOUS`.
    limits: checks callers that are limited to some workflows.
    documentation: who may read the documentation of the APIs.
    only_loopback: whether calls that arrive at an address that others can reach are refused: when the process does not
        know where it listens, and everyone is admitted.
    """

    def __init__(
        self,
        authenticator: Authenticator | None,
        limits: WorkflowLimits,
        documentation: Documentation = "callers",
        *,
        only_loopback: bool = False,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self.documentation = documentation
        self.only_loopback = only_loopback

    @property
    def is_on(self) -> bool:
        """False while everyone is `ANONYMOUS`."""
        return self._authenticator is not None

    async def admit(
        self, permission: Permission, authorization: Sequence[bytes] = (), api_key: Sequence[bytes] = ()
    ) -> Caller | None:
        """The caller of an operation; None for an operation that needs none.

        permission: what the operation needs.
        authorization: the values of the header Authorization.
        api_key: the values of the header x-api-key.

        Raise `Unauthenticated` without valid credentials, `PermissionDenied` when they do not allow the operation,
        `Unavailable` when that cannot be found out now.
        """
        if self._authenticator is None:
            caller = ANONYMOUS
        elif self.is_open(permission):
            return None
        else:
            credential = presented(authorization, api_key)
            if credential is None:
                raise Unauthenticated.missing()
            caller = self._authenticator.known(credential) or await self._authenticator.caller(credential)
        if not permission.scopes <= caller.scopes:
            raise _denied(permission, caller)
        return caller

    def check_address(self, address: str) -> None:
        """Raise `PermissionDenied` if calls must not arrive at this address of the process."""
        if self.only_loopback and not is_loopback(address):
            raise PermissionDenied(
                f"the service listens on {address}, which others can reach, and AUTH is off; set AUTH=on, or "
                "AUTH=off-on-every-address if something else keeps others out"
            )

    async def check_limit(self, caller: Caller, permission: Permission, named: Named) -> None:
        """Raise `PermissionDenied` if the caller is limited to other workflows than the one that the request names."""
        await self._limits.check(caller, permission.target, named)

    def is_open(self, permission: Permission) -> bool:
        """Whether an operation needs no caller."""
        is_documentation = permission.access is Access.DOCUMENTATION
        return permission.access is Access.OPEN or (is_documentation and self.documentation == "open")


def _denied(permission: Permission, caller: Caller) -> PermissionDenied:
    missing = " and ".join(missing_scopes(permission.scopes, caller.scopes))
    role = least_role(permission.scopes)
    return PermissionDenied(f"{caller.principal} lacks {missing}, which the role {role.value} has")
