"""Making, listing, rotating and revoking API keys.

No caller can make a key that allows more than the caller itself may do.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Conflict, Invalid, NotFound, PermissionDenied
from app.domain.permissions import Role, missing_scopes
from app.identity.api_keys import (
    DAY_SECONDS,
    LIFETIME_SECONDS,
    MAX_LIFETIME_SECONDS,
    MAX_OVERLAP_SECONDS,
    OVERLAP_SECONDS,
    ApiKey,
    Grant,
    KeyDraft,
    check_draft,
    new_key_text,
)
from app.identity.ports import KeyStore

Announce = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. This is the only time that its text is known.

    key: as it is stored.
    text: the secret.
    """

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key!r}, …)"


class KeyService:
    """Manages the keys of the caller's tenant.

    All methods raise `PermissionDenied` for a key that allows more than the caller may do, and `Unavailable` when the
    store does not respond.

    store: where the keys are.
    announce: notifies all processes that a key has changed.
    """

    def __init__(self, store: KeyStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def create(self, caller: Caller, draft: KeyDraft) -> NewKey:
        """Raise `Invalid` for a draft that breaks a rule."""
        check_draft(draft)
        _refuse_more(caller, draft.grant)
        text = new_key_text()
        return NewKey(await self._store.insert(Act(caller, Action.KEY_CREATE), text, draft), text.text)

    async def list_keys(self, caller: Caller, skip: int, limit: int) -> tuple[Sequence[ApiKey], int]:
        """One page, newest first, and the number of all."""
        return await self._store.list_keys(caller.tenant_id, skip, limit)

    async def rotate(
        self,
        caller: Caller,
        key_id: int,
        lifetime_seconds: float | None = LIFETIME_SECONDS,
        overlap_seconds: float = OVERLAP_SECONDS,
    ) -> NewKey:
        """Make a key that allows the same as this one, which remains valid for the overlap.

        Raise `NotFound`, or `Conflict` when the key was revoked or has expired.
        """
        _check_times(lifetime_seconds, overlap_seconds)
        old = await self._own(caller, key_id)
        text = new_key_text()
        act = Act(caller, Action.KEY_ROTATE)
        made = await self._store.rotate(act, key_id, text, lifetime_seconds, overlap_seconds)
        if made is None:
            raise Conflict("key", f"the key {old.prefix} is no longer valid; create another one")
        await self._announce()
        return NewKey(made, text.text)

    async def revoke(self, caller: Caller, key_id: int) -> ApiKey:
        """End a key at once, and its calls within seconds. No effect when repeated. Raise `NotFound`."""
        await self._own(caller, key_id)
        revoked = await self._store.revoke(Act(caller, Action.KEY_REVOKE), key_id)
        if revoked is None:
            raise NotFound("key", key_id)
        await self._announce()
        return revoked

    async def _own(self, caller: Caller, key_id: int) -> ApiKey:
        """A key of the caller's tenant that allows no more than the caller may do."""
        key = await self._store.get(caller.tenant_id, key_id)
        if key is None:
            raise NotFound("key", key_id)
        _refuse_more(caller, key.grant)
        return key


def _refuse_more(caller: Caller, grant: Grant) -> None:
    """Admins may give every group, since they say who is in which."""
    more = missing_scopes(grant.allowed, caller.scopes)
    if caller.role not in (Role.ADMIN, Role.SYSTEM):
        more += sorted(grant.groups - caller.groups)
    if more:
        raise PermissionDenied(f"the key would allow more than {caller.principal} may do: {', '.join(more)}")


def _check_times(lifetime_seconds: float | None, overlap_seconds: float) -> None:
    if lifetime_seconds is not None and not 0 < lifetime_seconds <= MAX_LIFETIME_SECONDS:
        days = MAX_LIFETIME_SECONDS / DAY_SECONDS
        raise Invalid.at("expires_in_days", f"must be above 0 and at most {days:g}, or null for a key without an end")
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        raise Invalid.at("overlap_hours", f"must be from 0 to {MAX_OVERLAP_SECONDS / 3600:g}")
