"""Finding out who calls: what is kept, for how long, and what a change ends."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.callers import Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.permissions import Role, Scope
from app.identity.api_keys import Grant, KeyDraft, digest_of, new_key_text
from app.identity.authentication import Authenticator
from app.identity.known_callers import KNOWN_SECONDS, KnownCallers
from app.identity.long_calls import CHECK_SECONDS, GRACE_SECONDS, LongCalls
from app.identity.token_callers import VERIFIED_SECONDS, TokenCallers, TokenRules
from tests.support.acts import ANYONE
from tests.support.memory.identity import TOUCH_SECONDS, MemoryKeyStore, MemoryTenantStore
from tests.support.tenant import needs_default
from tests.support.virtual_time import in_virtual_time

pytestmark = needs_default("makes its own tenants and keys")

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600.0
VIEWER = KeyDraft("reports", Grant(Role.VIEWER), HOUR)


@dataclass
class Verifier:
    """Accepts every token, whose claims are `claims`."""

    claims_of: dict[str, Any] = field(default_factory=dict)
    verified: int = 0

    async def claims(self, token: str) -> dict[str, Any]:
        self.verified += 1
        return self.claims_of


class House:
    """An authenticator whose time is `seconds`, on every clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tenants = MemoryTenantStore(self.now)
        self.keys = MemoryKeyStore(self.tenants, self.now)
        self.verifier = Verifier({"sub": "ada", "roles": ["viewer"], "exp": START.timestamp() + HOUR})
        tokens = TokenCallers(self.verifier, self.tenants, TokenRules(), lambda: self.seconds, self.now)
        self.known = KnownCallers(lambda: self.seconds)
        self.long_calls = LongCalls(self.keys, self.known, self.now)
        self.authenticator = Authenticator(self.keys, tokens, self.known, self.long_calls.used)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    async def key(self, draft: KeyDraft = VIEWER) -> bytes:
        text = new_key_text()
        await self.keys.insert(ANYONE, text, draft)
        return text.text.encode()

    async def caller(self, credential: bytes) -> Caller:
        """As an admission asks."""
        return self.authenticator.known(credential) or await self.authenticator.caller(credential)


async def test_a_key_is_read_again_after_a_few_seconds():
    house = House()
    key = await house.key()
    for _ in range(5):
        await house.caller(key)
    assert house.keys.finds == 1
    house.seconds += KNOWN_SECONDS
    await house.caller(key)
    assert house.keys.finds == 2


async def test_a_key_is_not_known_past_its_end():
    house = House()
    key = await house.key(KeyDraft("short", Grant(Role.VIEWER), 2.0))
    await house.caller(key)
    house.seconds += 1.9
    assert house.authenticator.known(key) is not None
    house.seconds += 0.1
    with pytest.raises(Unauthenticated, match="no longer valid"):
        await house.caller(key)


async def test_a_change_makes_every_key_be_read_again():
    house = House()
    key = await house.key()
    await house.caller(key)
    await house.keys.revoke(ANYONE, 1)
    house.long_calls.changed()
    with pytest.raises(Unauthenticated, match="no longer valid"):
        await house.caller(key)


async def test_a_read_that_began_before_a_change_is_not_kept():
    house = House()
    key = await house.key()
    mark = house.known.mark()
    caller = await house.caller(key)
    house.known.forget()
    house.known.put(digest_of(key), caller, mark, None)
    assert house.known.get(digest_of(key)) is None


async def test_requests_at_once_with_one_key_read_it_once():
    house = House()
    key = await house.key()
    callers = await asyncio.gather(*(house.caller(key) for _ in range(20)))
    assert house.keys.finds == 1
    assert len(set(callers)) == 1


async def test_a_request_that_is_cancelled_does_not_cancel_the_check_of_others():
    house = House()
    key = await house.key()
    first, second = (asyncio.create_task(house.authenticator.caller(key)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).key_id == 1
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize("text", [b"wfk_", b"wfk_short", b"wfk_abcdefgh_" + b"x" * 44, b"wfk_abcdefg!_" + b"x" * 43])
async def test_what_is_not_a_key_is_not_looked_up(text: bytes):
    house = House()
    with pytest.raises(Unauthenticated, match="no such API key"):
        await house.caller(text)
    assert house.keys.finds == 0


async def test_the_callers_of_a_suspended_tenant_are_refused():
    house = House()
    key = await house.key()
    await house.tenants.suspend(1)
    for credential in (key, b"a.b.c"):
        with pytest.raises(PermissionDenied) as caught:
            await house.caller(credential)
        assert caught.value.code == "tenant_suspended"


async def test_a_token_is_verified_once_a_minute_and_not_kept_past_its_end():
    house = House()
    for _ in range(4):
        assert (await house.caller(b"a.b.c")).principal == "token:ada"
        house.seconds += KNOWN_SECONDS
    assert house.verifier.verified == 1
    house.seconds = VERIFIED_SECONDS
    await house.caller(b"a.b.c")
    assert house.verifier.verified == 2
    house.seconds = HOUR - 1
    await house.caller(b"a.b.c")
    house.seconds = HOUR
    assert house.authenticator.known(b"a.b.c") is None
    await house.caller(b"a.b.c")
    assert house.verifier.verified == 4, "after its end the verifier decides, with its leeway, every time"
    await house.caller(b"a.b.c")
    assert house.verifier.verified == 5


async def test_without_an_identity_provider_there_are_keys_only():
    house = House()
    authenticator = Authenticator(house.keys, None, house.known, house.long_calls.used)
    with pytest.raises(Unauthenticated, match="accepts no tokens"):
        await authenticator.caller(b"a.b.c")


def of_key(key_id: int, expires_at: datetime | None = None) -> Caller:
    return Caller(1, "default", "key:x", frozenset({Scope.EXECUTIONS_READ}), key_id=key_id, expires_at=expires_at)


def never(defect: Exception) -> None:
    raise AssertionError(defect)


async def how_it_ends(long_calls: LongCalls, caller: Caller, ended: list[float]) -> None:
    """Lasts until the caller is not valid any more, and notes the time."""
    with pytest.raises(Unauthenticated, match="no longer valid"):
        async with long_calls.lasting(caller):
            await asyncio.Event().wait()
    ended.append(asyncio.get_running_loop().time())


@in_virtual_time
async def test_a_revoked_key_ends_its_calls_without_a_notification_and_no_others():
    house, ended = House(), list[float]()
    keys = [await house.key() for _ in range(2)]
    assert len(keys) == 2
    house.long_calls.start(never)
    first, second = (asyncio.create_task(how_it_ends(house.long_calls, of_key(n), ended)) for n in (1, 2))
    await asyncio.sleep(10 * CHECK_SECONDS + 0.5)
    assert not first.done()
    await house.keys.revoke(ANYONE, 1)
    await first
    assert ended == [pytest.approx(11 * CHECK_SECONDS)]
    await asyncio.sleep(10)
    assert not second.done()
    await house.keys.revoke(ANYONE, 2)
    house.long_calls.changed()
    await second
    assert ended[1] == ended[0] + 10, "a notification ends it at once"
    await house.long_calls.stop()


@in_virtual_time
async def test_a_suspended_tenant_ends_the_calls_of_its_tokens():
    house, ended = House(), list[float]()
    house.long_calls.start(never)
    caller = Caller(1, "default", "token:ada", frozenset(), expires_at=START + timedelta(seconds=HOUR))
    lasting = asyncio.create_task(how_it_ends(house.long_calls, caller, ended))
    await asyncio.sleep(0.5)
    await house.tenants.suspend(1)
    await lasting
    assert ended == [CHECK_SECONDS]
    await house.long_calls.stop()


@in_virtual_time
async def test_the_call_of_a_token_ends_a_minute_after_it():
    house, ended = House(), list[float]()
    caller = Caller(1, "default", "token:ada", frozenset(), expires_at=START + timedelta(seconds=HOUR))
    await how_it_ends(house.long_calls, caller, ended)
    assert ended == [HOUR + GRACE_SECONDS]


@in_virtual_time
async def test_a_timeout_of_the_call_itself_is_left_alone():
    house = House()
    with pytest.raises(TimeoutError):
        async with house.long_calls.lasting(of_key(1)):
            raise TimeoutError
    async with house.long_calls.lasting(of_key(1)):
        pass


@in_virtual_time
async def test_a_use_is_noted_now_and_then():
    house = House()
    key = await house.key()
    house.long_calls.start(never)
    await house.caller(key)
    await asyncio.sleep(CHECK_SECONDS)
    stored = await house.keys.get(1, 1)
    assert stored is not None
    assert stored.last_used_at == START
    house.seconds = TOUCH_SECONDS
    await house.caller(key)
    await asyncio.sleep(CHECK_SECONDS)
    stored = await house.keys.get(1, 1)
    assert stored is not None
    assert stored.last_used_at == START, "not yet old enough"
    house.seconds += KNOWN_SECONDS
    await house.caller(key)
    await asyncio.sleep(CHECK_SECONDS)
    stored = await house.keys.get(1, 1)
    assert stored is not None
    assert stored.last_used_at == house.now()
    await house.long_calls.stop()
