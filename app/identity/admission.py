"""Decides about every call of both protocols: who calls, and whether the caller may."""

from collections.abc import Callable, Sequence
from typing import Literal

from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.loopback import is_loopback
from app.domain.permissions import Access, Permission, least_role, missing_scopes
from app.identity.authentication import Authenticator
from app.identity.client_addresses import LOCAL, Sender
from app.identity.credentials import presented
from app.identity.rates import Rates
from app.identity.refused_calls import RefusedCalls
from app.identity.workflow_limits import Named, WorkflowLimits

Documentation = Literal["open", "callers", "off"]


class Admission:
    """Who calls, may they, and not too often.

    authenticator: finds out who calls; None when everyone is `ANONYMOUS`.
    limits: checks callers that are limited to some workflows.
    documentation: who may read the documentation of the APIs.
    refused: counts the calls that are refused.
    only_loopback: whether calls that arrive at an address that others can reach are refused: when the process does not
        know where it listens, and everyone is admitted.
    rates: limits how often one may call; None for no limit.
    """

    def __init__(
        self,
        authenticator: Authenticator | None,
        limits: WorkflowLimits,
        documentation: Documentation = "callers",
        refused: RefusedCalls | None = None,
        *,
        only_loopback: bool = False,
        rates: Rates | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self.documentation = documentation
        self.only_loopback = only_loopback
        self._rates = rates
        self._refused = refused or RefusedCalls()

    @property
    def is_on(self) -> bool:
        """False while everyone is `ANONYMOUS`."""
        return self._authenticator is not None

    @property
    def asks(self) -> bool:
        """False while every call is admitted, so that a protocol need not ask."""
        return self._authenticator is not None or self._rates is not None

    async def admit(
        self,
        permission: Permission,
        authorization: Sequence[bytes] = (),
        api_key: Sequence[bytes] = (),
        sender: Callable[[], Sender] = lambda: LOCAL,
    ) -> Caller | None:
        """The caller of an operation; None for an operation that needs none.

        permission: what the operation needs.
        authorization: the values of the header Authorization.
        api_key: the values of the header x-api-key.
        sender: where the request comes from; it is asked only when the address counts.

        Raise `Unauthenticated` without valid credentials, `PermissionDenied` when they do not allow the operation,
        `RateLimited` for too many calls, `Unavailable` when that cannot be found out now.
        """
        try:
            return await self._admit(permission, authorization, api_key, sender)
        except (Unauthenticated, PermissionDenied) as error:
            self._refused.count(error)
            raise

    def recognised(self, authorization: Sequence[bytes], api_key: Sequence[bytes]) -> Caller | None:
        """The caller, if its credential was checked a moment ago. Never waits, and never raises."""
        if self._authenticator is None:
            return None
        try:
            credential = presented(authorization, api_key)
        except Unauthenticated:
            return None
        return None if credential is None else self._authenticator.known(credential)

    async def allow(self, caller: Caller, permission: Permission) -> None:
        """Count a call of a caller. Raise `RateLimited` or `PermissionDenied` if it must not be carried out."""
        try:
            await self._allow(caller, permission)
        except PermissionDenied as error:
            self._refused.count(error)
            raise

    async def expect(self, sender: Callable[[], Sender]) -> None:
        """Count a connection whose client says only later who calls. Raise `RateLimited` for too many."""
        if self._rates is not None:
            await self._rates.count_anonymous(sender())

    def check_scopes(self, caller: Caller, permission: Permission) -> None:
        """Raise `PermissionDenied` if the caller lacks a scope for a part of a call that was admitted."""
        try:
            _check_scopes(caller, permission)
        except PermissionDenied as error:
            self._refused.count(error)
            raise

    async def _admit(
        self,
        permission: Permission,
        authorization: Sequence[bytes],
        api_key: Sequence[bytes],
        sender: Callable[[], Sender],
    ) -> Caller | None:
        if self._rates is not None and self._is_anonymous(permission):
            await self._rates.count_anonymous(sender())
        if self._authenticator is None:
            _check_scopes(ANONYMOUS, permission)
            return ANONYMOUS
        if self.is_open(permission):
            return None
        caller = await self._caller(self._authenticator, authorization, api_key, sender)
        await self._allow(caller, permission)
        return caller

    async def _allow(self, caller: Caller, permission: Permission) -> None:
        if self._rates is not None and not self._rates.spend(caller):
            await self._rates.count_caller(caller)
        _check_scopes(caller, permission)

    async def _caller(
        self,
        authenticator: Authenticator,
        authorization: Sequence[bytes],
        api_key: Sequence[bytes],
        sender: Callable[[], Sender],
    ) -> Caller:
        try:
            credential = presented(authorization, api_key)
        except Unauthenticated:
            if self._rates is not None and (address := self._rates.address_of(sender())) is not None:
                await self._rates.count_credential(address)
            raise
        if credential is None:
            if self._rates is not None:
                await self._rates.count_anonymous(sender())
            raise Unauthenticated.missing()
        return authenticator.known(credential) or await authenticator.caller(credential, sender())

    def _is_anonymous(self, permission: Permission) -> bool:
        """Whether the operation is carried out without a caller, and counts. The open ones cost next to nothing, and
        health checks must not be refused."""
        return permission.access is not Access.OPEN and (self._authenticator is None or self.is_open(permission))

    def check_address(self, address: str) -> None:
        """Raise `PermissionDenied` if calls must not arrive at this address of the process."""
        if self.only_loopback and not is_loopback(address):
            raise PermissionDenied(
                f"the service listens on {address}, which others can reach, and AUTH is off; set AUTH=on, or "
                "AUTH=off-on-every-address if something else keeps others out"
            )

    async def check_limit(self, caller: Caller, permission: Permission, named: Named) -> None:
        """Raise `PermissionDenied` if the caller is limited to other workflows than the one that the request names."""
        try:
            await self._limits.check(caller, permission.target, named)
        except PermissionDenied as error:
            self._refused.count(error)
            raise

    def is_open(self, permission: Permission) -> bool:
        """Whether an operation needs no caller."""
        is_documentation = permission.access is Access.DOCUMENTATION
        return permission.access is Access.OPEN or (is_documentation and self.documentation == "open")


def _check_scopes(caller: Caller, permission: Permission) -> None:
    if not permission.scopes <= caller.scopes:
        raise _denied(permission, caller)


def _denied(permission: Permission, caller: Caller) -> PermissionDenied:
    missing = " and ".join(missing_scopes(permission.scopes, caller.scopes))
    role = least_role(permission.scopes)
    return PermissionDenied(f"{caller.principal} lacks {missing}, which the role {role.value} has")
