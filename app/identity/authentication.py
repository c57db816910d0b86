"""Finds out who calls, from the credential of a request."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from app.domain.callers import Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.recently_used import RecentlyUsed
from app.identity.api_keys import KEY_FORM, digest_of
from app.identity.client_addresses import LOCAL, Sender
from app.identity.guesses import Guesses
from app.identity.known_callers import KnownCallers
from app.identity.ports import KeyStore
from app.identity.rates import Rates
from app.identity.sessions import START, SessionStore
from app.identity.token_callers import TokenCallers

KEY_START = b"wfk_"
SESSION_START = START.encode()
MOST_PROVEN = 10_000


class Authenticator:
    """Turns a credential into a caller: an API key, or a token of an identity provider.

    keys: the store of API keys.
    tokens: verifies tokens; None when none are accepted.
    known: what was checked a moment ago.
    used: called with the id of a key whose use has not been noted for a while.
    rates: limits how many wrong credentials an address may send; None for no limit.
    sessions: the store of sessions of the dashboard; None when there are none.
    """

    def __init__(
        self,
        keys: KeyStore,
        tokens: TokenCallers | None,
        known: KnownCallers,
        used: Callable[[int], None],
        rates: Rates | None = None,
        sessions: SessionStore | None = None,
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._tokens = tokens
        self._known = known
        self._used = used
        self._rates = rates
        self._guesses = None if rates is None else Guesses(rates)
        self._proven: RecentlyUsed[bytes, bool] = RecentlyUsed(MOST_PROVEN)  # digests that were right the last time
        self._checks: dict[bytes, asyncio.Task[Caller]] = {}

    def known(self, credential: bytes) -> Caller | None:
        """The caller, if the credential was checked a moment ago. Never waits."""
        return self._known.get(digest_of(credential))

    async def caller(self, credential: bytes, sender: Sender = LOCAL) -> Caller:
        """The caller with this credential. Any number of requests at once with the same one cause a single check.

        sender: where the request comes from. When too many wrong credentials have come from there, only those are
            still checked that were right the last time: others at the same address are still admitted.

        Raise `Unauthenticated` when it is not valid, `PermissionDenied` when its tenant is suspended, `Unavailable`
        when that cannot be found out now, `RateLimited` when it is not checked.
        """
        digest = digest_of(credential)
        check = partial(self._check, credential, digest)
        if self._rates is None or self._guesses is None or digest in self._proven:
            return await self._together(digest, check)
        address = self._rates.address_of(sender)
        if address is None:
            return await self._together(digest, check)
        return await self._together(digest + address.encode(), partial(self._guesses.check, address, check))

    async def _together(self, name: bytes, start: Callable[[], Coroutine[Any, Any, Caller]]) -> Caller:
        """What the check of this name finds, which is started unless it runs."""
        check = self._checks.get(name)
        if check is None:
            check = self._checks[name] = asyncio.create_task(start(), name="authentication")
            check.add_done_callback(lambda done: self._end(name, done))
        return await asyncio.shield(check)

    def _end(self, name: bytes, check: "asyncio.Task[Caller]") -> None:
        del self._checks[name]
        if not check.cancelled():
            check.exception()  # Every request of this check may have been cancelled, and then none has asked for it.

    async def _check(self, credential: bytes, digest: bytes) -> Caller:
        mark = self._known.mark()
        try:
            caller, seconds_left = await self._found(credential, digest)
        except (Unauthenticated, PermissionDenied):
            self._proven.pop(digest)
            raise
        self._known.put(digest, caller, mark, seconds_left)
        self._proven.put(digest, True)
        return caller

    async def _found(self, credential: bytes, digest: bytes) -> tuple[Caller, float | None]:
        if credential.startswith(SESSION_START):
            return await self._of_session(digest)
        if credential.startswith(KEY_START):
            return await self._of_key(digest, well_formed=KEY_FORM.fullmatch(credential) is not None)
        return await self._of_token(credential, digest)

    async def _of_session(self, digest: bytes) -> tuple[Caller, float | None]:
        found = None if self._sessions is None else await self._sessions.find(digest)
        if found is None:
            raise Unauthenticated.expired("session")
        if found.key_digest is None:
            return replace(found.of_token(), session=digest), found.seconds_left
        caller, seconds_left = await self._of_key(found.key_digest)
        left = found.seconds_left if seconds_left is None else min(seconds_left, found.seconds_left)
        return replace(found.of_key(caller), session=digest), left

    async def _of_key(self, digest: bytes, *, well_formed: bool = True) -> tuple[Caller, float | None]:
        found = await self._keys.find(digest) if well_formed else None
        if found is None:
            raise Unauthenticated("there is no such API key")
        if found.key.revoked_at is not None or (found.seconds_left is not None and found.seconds_left <= 0):
            raise Unauthenticated.expired("API key")
        if found.is_suspended:
            raise PermissionDenied("the tenant is suspended", "tenant_suspended")
        if found.needs_touch:
            self._used(found.key.id)
        return found.key.caller(), found.seconds_left

    async def _of_token(self, credential: bytes, digest: bytes) -> tuple[Caller, float | None]:
        if self._tokens is None:
            raise Unauthenticated("the credential is not an API key, and this service accepts no tokens")
        caller = await self._tokens.caller(credential.decode("ascii"), digest)
        return caller, self._tokens.seconds_left(caller)
