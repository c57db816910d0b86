"""How often one may call: whom a request counts against, and what a process takes from the counters at once."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from app.adapters.rates.shared import LocalCounters
from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import PermissionDenied, RateLimited, Unauthenticated, Unavailable
from app.domain.permissions import AUTHENTICATED, DOCUMENTATION, OPEN, Role, permission_of
from app.identity.admission import Admission
from app.identity.allowances import HELD_SECONDS, Allowances, Limit
from app.identity.api_keys import Grant, KeyDraft, new_key_text
from app.identity.authentication import Authenticator
from app.identity.client_addresses import ClientAddresses, Sender
from app.identity.known_callers import KNOWN_SECONDS, KnownCallers
from app.identity.ports import Taken
from app.identity.rates import RateRules, Rates
from app.identity.workflow_limits import WorkflowLimits
from tests.support.acts import act_of
from tests.support.memory.identity import MemoryKeyStore, MemoryTenantStore, MemoryWorkflowKeys

MINUTE = 60.0
RULES = RateRules(anonymous=5, callers=20)
HERE, ELSEWHERE = Sender("203.0.113.7"), Sender("203.0.113.8")
VIEWER = KeyDraft("reports", Grant(Role.VIEWER))
KEY = Caller(1, "default", "key:Xk3vT9aB", frozenset(), Role.VIEWER, key_id=3)


@dataclass
class Counters:
    """Notes what is taken, and allows `allowed` requests."""

    allowed: int = 1_000_000
    seconds: float = 30.0
    taken: list[int] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        self.asked.set()
        await self.answering.wait()
        granted = min(wanted, self.allowed)
        self.allowed -= granted
        self.taken.append(granted)
        return Taken(granted, 0.0 if granted else self.seconds)


class Process:
    """The allowances of a process whose clock is `seconds`."""

    def __init__(self, counters: Counters | None = None) -> None:
        self.seconds = 0.0
        self.counters = counters or Counters()
        self.allowances = Allowances(self.counters, lambda: self.seconds)

    async def call(self, times: int = 1, per_minute: int = 6_000) -> None:
        for _ in range(times):
            await self.allowances.count(Limit("caller", "ada", per_minute, "ada has called"))


async def test_who_calls_often_takes_more_at_a_time_and_never_more_than_a_part_of_a_minute():
    process = Process()
    await process.call(200)
    assert process.counters.taken == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_who_calls_rarely_takes_one_at_a_time():
    process = Process()
    for _ in range(5):
        await process.call()
        process.seconds += HELD_SECONDS
    assert process.counters.taken == [1] * 5


async def test_what_is_not_spent_in_time_is_lost_and_the_next_part_is_smaller():
    process = Process()
    await process.call(1 + 2 + 4 + 3)
    process.seconds += HELD_SECONDS
    await process.call()
    assert process.counters.taken == [1, 2, 4, 8, 3]


async def test_a_small_limit_is_counted_request_by_request():
    process = Process()
    await process.call(10, per_minute=100)
    assert process.counters.taken == [1] * 10


async def test_after_a_refusal_the_counters_are_asked_again_when_its_time_is_over():
    process = Process(Counters(allowed=1, seconds=11.2))
    await process.call()
    for _ in range(3):
        with pytest.raises(RateLimited) as refused:
            await process.call()
    assert (refused.value.retry_after, refused.value.per_minute, process.counters.taken) == (12, 6_000, [1, 0])
    process.seconds += 11.2
    process.counters.allowed = 1
    await process.call()
    assert process.counters.taken == [1, 0, 1]


async def test_requests_at_once_take_together():
    process = Process()
    process.counters.answering.clear()
    calls = [asyncio.create_task(process.call()) for _ in range(8)]
    await process.counters.asked.wait()
    calls[0].cancel()
    process.counters.answering.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert calls[0].cancelled()
    assert process.counters.taken == [1, 2, 4]


async def test_a_process_never_allows_more_than_it_has_taken():
    process = Process(Counters(allowed=50))
    results = await asyncio.gather(*(process.call() for _ in range(80)), return_exceptions=True)
    assert [type(result) for result in results].count(RateLimited) == 30


class Limited:
    """Rates whose clock is `seconds`."""

    def __init__(self, rules: RateRules = RULES) -> None:
        self.seconds = 6_000.5
        counters = LocalCounters(lambda: self.seconds)
        self.rates = Rates(rules, Allowances(counters, lambda: self.seconds), ClientAddresses())

    async def call(self, caller: Caller = KEY) -> None:
        if not self.rates.spend(caller):
            await self.rates.count_caller(caller)

    async def allowed(self, caller: Caller = KEY, tries: int = 60) -> int:
        """How many of so many calls at once are allowed."""
        results = await asyncio.gather(*(self.call(caller) for _ in range(tries)), return_exceptions=True)
        return results.count(None)


async def test_a_caller_has_the_limit_of_the_settings_or_its_own():
    house = Limited()
    assert await house.allowed() == 20
    assert await house.allowed(replace(KEY, principal="key:other")) == 20
    assert await house.allowed(replace(KEY, principal="key:own", rate_limit=7)) == 7
    assert await house.allowed(replace(KEY, principal="token:ada", key_id=None)) == 20
    assert await house.allowed(replace(KEY, principal="token:ada", key_id=None, tenant_id=2)) == 20
    with pytest.raises(RateLimited, match=r"key:Xk3vT9aB has made .* in a minute; the limit is 20; try again in 60 s"):
        await house.call()


async def test_without_a_limit_only_keys_with_their_own_are_limited():
    house = Limited(RateRules(None, None))
    assert await house.allowed() == 60
    assert await house.allowed(replace(KEY, principal="key:own", rate_limit=7)) == 7
    for _ in range(60):
        await house.rates.count_anonymous(HERE)


async def test_a_minute_slides():
    house = Limited()
    assert await house.allowed() == 20
    house.seconds += MINUTE
    assert await house.allowed() == 1
    house.seconds += MINUTE / 2
    assert await house.allowed() == 10
    house.seconds += 2 * MINUTE
    assert await house.allowed() == 20


class Door:
    """An admission whose time is `seconds`, on every clock."""

    def __init__(self, rules: RateRules = RULES, *, is_on: bool = True) -> None:
        self.seconds = 6_000.5
        self.keys = MemoryKeyStore(MemoryTenantStore(self.now), self.now)
        known = KnownCallers(lambda: self.seconds)
        counters = LocalCounters(lambda: self.seconds)
        rates = Rates(rules, Allowances(counters, lambda: self.seconds), ClientAddresses())
        authenticator = Authenticator(self.keys, None, known, lambda _: None, rates) if is_on else None
        self.admission = Admission(authenticator, WorkflowLimits(MemoryWorkflowKeys()), "open", rates=rates)

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def key(self, draft: KeyDraft = VIEWER) -> bytes:
        text = new_key_text()
        await self.keys.insert(act_of(1), text, draft)
        return text.text.encode()

    async def call(self, key: bytes | None = None, sender: Sender = HERE, permission=AUTHENTICATED) -> Caller | None:
        return await self.admission.admit(permission, (), [] if key is None else [key], lambda: sender)


def guess() -> bytes:
    return new_key_text().text.encode()


async def outcomes(door: Door, times: int, **options) -> list[type]:
    """What so many calls lead to, one after the other."""
    found = []
    for _ in range(times):
        try:
            await door.call(**options)
        except (RateLimited, Unauthenticated, Unavailable) as error:
            found.append(type(error))
        else:
            found.append(Caller)
    return found


async def test_requests_without_a_caller_count_against_their_address():
    door = Door()
    assert await outcomes(door, 7) == [Unauthenticated] * 5 + [RateLimited] * 2
    assert await outcomes(door, 1, sender=ELSEWHERE) == [Unauthenticated]
    assert await outcomes(door, 9, sender=Sender("127.0.0.1")) == [Unauthenticated] * 9


async def test_open_documentation_counts_and_health_does_not():
    door = Door()
    assert await outcomes(door, 50, permission=OPEN) == [Caller] * 50
    assert await outcomes(door, 6, permission=DOCUMENTATION) == [Caller] * 5 + [RateLimited]


async def test_while_everyone_is_admitted_requests_count_against_their_address():
    door = Door(is_on=False)
    assert await outcomes(door, 6) == [Caller] * 5 + [RateLimited]
    assert await door.call(sender=Sender("::1")) is ANONYMOUS


async def test_guesses_are_not_checked_any_more_after_a_number_of_them():
    door = Door()
    for _ in range(5):
        assert await outcomes(door, 1, key=guess()) == [Unauthenticated]
    finds = door.keys.finds
    for key in (guess(), await door.key()):
        assert await outcomes(door, 1, key=key) == [RateLimited]
    assert door.keys.finds == finds


async def test_others_at_an_address_that_guesses_can_go_on():
    door = Door()
    key = await door.key()
    await door.call(key)
    await asyncio.gather(*(door.call(guess()) for _ in range(20)), return_exceptions=True)
    door.seconds += KNOWN_SECONDS
    assert await outcomes(door, 3, key=key) == [Caller] * 3
    assert await outcomes(door, 1, key=await door.key(), sender=ELSEWHERE) == [Caller]


async def test_right_credentials_are_not_counted_as_guesses():
    door = Door()
    for _ in range(20):
        assert await outcomes(door, 1, key=await door.key()) == [Caller]
    key, others = await door.key(), [await door.key() for _ in range(30)]
    callers = await asyncio.gather(*(door.call(key) for _ in range(20)), *(door.call(other) for other in others))
    assert len({caller.principal for caller in callers}) == 31


async def test_a_key_that_was_right_and_is_revoked_is_counted():
    door = Door()
    key = await door.key()
    caller = await door.call(key)
    await door.keys.revoke(act_of(1), caller.key_id)
    door.seconds += KNOWN_SECONDS
    found = await outcomes(door, 8, key=key)
    assert (set(found[:5]), found[-1]) == ({Unauthenticated}, RateLimited)


async def test_malformed_credentials_are_counted():
    door = Door()
    assert await outcomes(door, 7, key=b"\xff") == [Unauthenticated] * 5 + [RateLimited] * 2


async def test_what_cannot_be_checked_now_is_not_counted():
    door = Door()

    async def unreachable(digest: bytes) -> None:
        raise Unavailable("the database does not answer")

    found, door.keys.find = door.keys.find, unreachable
    assert await outcomes(door, 20, key=guess()) == [Unavailable] * 20
    door.keys.find = found
    assert await outcomes(door, 1, key=await door.key()) == [Caller]


async def test_a_call_that_is_not_permitted_counts():
    door = Door()
    key = await door.key(KeyDraft("reports", Grant(Role.VIEWER), rate_limit=3))
    found = []
    for _ in range(4):
        with pytest.raises((PermissionDenied, RateLimited)) as refused:
            await door.call(key, permission=permission_of("create_workflow"))
        found.append(refused.type)
    assert found == [PermissionDenied] * 3 + [RateLimited]
