"""Ends calls that last long, such as streams, when their caller is no longer valid."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import Unauthenticated
from app.identity.known_callers import KnownCallers
from app.identity.ports import KeyStore
from app.identity.sessions import SessionStore

GRACE_SECONDS = 60.0
"""How long a call may last after its credential has expired: time to call again with a new one."""

CHECK_SECONDS = 2.0


class LongCalls:
    """The long calls of this process, and the loop that looks whether their callers are still valid.

    The loop also notes which keys were used.

    keys: the store of API keys.
    known: forgets everything when a key or a tenant has changed.
    now: this machine's clock.
    check_seconds: the interval between two looks, when no notification arrives.
    sessions: the store of sessions of the dashboard; None when there are none.
    """

    def __init__(
        self,
        keys: KeyStore,
        known: KnownCallers,
        now: Callable[[], datetime],
        check_seconds: float = CHECK_SECONDS,
        sessions: SessionStore | None = None,
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._known = known
        self._now = now
        self._calls: dict[asyncio.Timeout, Caller] = {}
        self._used: set[int] = set()
        self._wake_up = WakeUp()
        self._loop = Loop("long calls", self._look, partial(self._wake_up.wait, check_seconds))

    @asynccontextmanager
    async def lasting(self, caller: Caller) -> AsyncIterator[None]:
        """Cancel the body, and raise `Unauthenticated`, when the caller's key is revoked, its tenant suspended, its
        session over, or the credential has expired `GRACE_SECONDS` ago."""
        if caller is ANONYMOUS:
            yield
            return
        scope = asyncio.timeout(self._seconds_of(caller))
        try:
            async with scope:
                self._calls[scope] = caller
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            raise Unauthenticated.expired(_credential_of(caller)) from None
        finally:
            self._calls.pop(scope, None)

    def used(self, key_id: int) -> None:
        """Note soon that the key was used."""
        self._used.add(key_id)

    def changed(self) -> None:
        """A key, a session or a tenant has changed, in this process or another one."""
        self._known.forget()
        self._wake_up.wake()

    def start(self, on_defect: OnDefect) -> None:
        """Start the loop. A defect that ends it is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        await self._loop.finish()

    def _seconds_of(self, caller: Caller) -> float | None:
        """From now until the end of a call. The end of a key is the store's to say: a rotation brings it forward."""
        if caller.session_ends_at is not None:
            return max(0.0, (caller.session_ends_at - self._now()).total_seconds())
        if caller.expires_at is None or caller.key_id is not None:
            return None
        return max(0.0, (caller.expires_at - self._now()).total_seconds() + GRACE_SECONDS)

    async def _look(self) -> None:
        await self._note_uses()
        callers = set(self._calls.values())
        if not callers:
            return
        key_ids = {caller.key_id for caller in callers if caller.key_id is not None}
        ended = await self._keys.ended(key_ids, {caller.tenant_id for caller in callers}, GRACE_SECONDS)
        over = await self._ended_sessions(callers)
        now = asyncio.get_running_loop().time()
        for scope, caller in list(self._calls.items()):
            is_over = caller.key_id in ended.key_ids or caller.tenant_id in ended.tenant_ids or caller.session in over
            if is_over and not scope.expired():
                scope.reschedule(now)

    async def _ended_sessions(self, callers: Collection[Caller]) -> frozenset[bytes | None]:
        sessions = {caller.session for caller in callers if caller.session is not None}
        return frozenset(await self._sessions.ended(sessions)) if self._sessions and sessions else frozenset()

    async def _note_uses(self) -> None:
        if self._used:
            used, self._used = self._used, set()
            await self._keys.touch(used)


def _credential_of(caller: Caller) -> str:
    if caller.session is not None:
        return "session"
    return "token" if caller.key_id is None else "API key"
