"""What the stores of API keys and tenants must do, run on each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.adapters.database.identity import PostgresKeyStore, PostgresTenantStore
from app.adapters.database.pool import Pool, open_pool
from app.domain.callers import KeyPattern
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Role, Scope
from app.domain.tenants import NO_LIMITS, TenantChange, TenantLimits
from app.identity.api_keys import ApiKey, Grant, KeyDraft, KeyText, digest_of, new_key_text
from app.identity.ports import Ended, FoundKey, FoundLimits, KeyStore, LimitStore, TenantStore
from tests.support.acts import ANYONE, act_of
from tests.support.memory.identity import MemoryKeyStore, MemoryTenantStore
from tests.support.tenant import needs_default
from tests.support.walls import api_url

pytestmark = needs_default("makes its own tenants and keys")

DEFAULT = 1
HOUR = 3600.0
VIEWER = KeyDraft("reports", Grant(Role.VIEWER))


@dataclass
class Stores:
    keys: KeyStore
    tenants: TenantStore
    suspend: Callable[[int], Awaitable[None]]
    limits: LimitStore

    async def add(self, draft: KeyDraft = VIEWER, tenant_id: int = DEFAULT) -> tuple[ApiKey, KeyText]:
        text = new_key_text()
        return await self.keys.insert(act_of(tenant_id, "key:abcdefgh"), text, draft), text

    async def found(self, text: KeyText) -> FoundKey:
        found = await self.keys.find(text.digest)
        assert found is not None
        return found


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def memory() -> Stores:
    tenants = MemoryTenantStore(utc_now)
    return Stores(MemoryKeyStore(tenants, utc_now), tenants, tenants.suspend, tenants)


async def suspend(pool: Pool, tenant_id: int) -> None:
    await pool.execute("UPDATE tenants SET suspended_at = clock_timestamp() WHERE id = $1", tenant_id)


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[Stores]:
    async with open_pool(api_url(database_url), size=6, timeout_seconds=20) as pool:
        tenants = PostgresTenantStore(pool)
        yield Stores(PostgresKeyStore(pool), tenants, partial(suspend, pool), tenants)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.server)])
def stores(request: pytest.FixtureRequest) -> Stores:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    "grant",
    [
        Grant(Role.ADMIN),
        Grant(scopes=frozenset({Scope.EXECUTIONS_START, Scope.EXECUTIONS_READ})),
        Grant(Role.OPERATOR, workflows=KeyPattern("reports-*")),
    ],
)
async def test_a_key_is_found_by_the_hash_of_its_text_as_it_was_made(stores: Stores, grant: Grant):
    made, text = await stores.add(KeyDraft("nightly", grant, HOUR))
    found = await stores.found(text)
    assert found.key == made
    assert (made.tenant_id, made.tenant, made.prefix) == (DEFAULT, "default", text.prefix)
    assert (made.name, made.grant, made.created_by) == ("nightly", grant, "key:abcdefgh")
    assert made.expires_at is not None
    assert made.expires_at - made.created_at == pytest.approx(timedelta(seconds=HOUR), abs=timedelta(seconds=60))
    assert found.seconds_left is not None
    assert 0 < found.seconds_left <= HOUR
    assert not found.is_suspended


async def test_another_text_finds_nothing(stores: Stores):
    await stores.add()
    assert await stores.keys.find(digest_of(b"wfk_other")) is None


async def test_a_key_can_be_without_an_end(stores: Stores):
    made, text = await stores.add(replace(VIEWER, lifetime_seconds=None))
    assert made.expires_at is None
    assert (await stores.found(text)).seconds_left is None


async def test_a_key_that_has_expired_says_so(stores: Stores):
    _, text = await stores.add(replace(VIEWER, lifetime_seconds=-1))
    left = (await stores.found(text)).seconds_left
    assert left is not None
    assert left < 0


async def test_a_key_needs_a_tenant(stores: Stores):
    with pytest.raises(NotFound, match="tenant '99'"):
        await stores.add(tenant_id=99)


async def test_keys_are_listed_newest_first_and_apart_for_each_tenant(stores: Stores):
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    made = [(await stores.add())[0] for _ in range(3)]
    foreign, _ = await stores.add(tenant_id=other.id)
    assert await stores.keys.list_keys(DEFAULT, 0, 2) == ([made[2], made[1]], 3)
    assert await stores.keys.list_keys(DEFAULT, 2, 2) == ([made[0]], 3)
    assert await stores.keys.list_keys(other.id, 0, 10) == ([foreign], 1)
    assert await stores.keys.get(DEFAULT, made[0].id) == made[0]
    assert await stores.keys.get(DEFAULT, foreign.id) is None


async def test_a_revoked_key_stays_revoked(stores: Stores):
    made, text = await stores.add()
    first = await stores.keys.revoke(ANYONE, made.id)
    assert first is not None
    assert first.revoked_at is not None
    assert await stores.keys.revoke(ANYONE, made.id) == first
    assert (await stores.found(text)).key.revoked_at == first.revoked_at


async def test_no_tenant_touches_the_keys_of_another(stores: Stores):
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    made, text = await stores.add()
    assert await stores.keys.revoke(act_of(other.id), made.id) is None
    assert await stores.keys.rotate(act_of(other.id), made.id, new_key_text(), HOUR, HOUR) is None
    assert (await stores.found(text)).key == made
    assert await stores.keys.list_keys(other.id, 0, 10) == ([], 0)


async def test_a_key_and_those_that_replace_it_have_the_limit_that_was_given(stores: Stores):
    made, text = await stores.add(replace(VIEWER, rate_limit=12))
    again = await stores.keys.rotate(ANYONE, made.id, new_key_text(), HOUR, HOUR)
    assert again is not None
    assert (made.rate_limit, again.rate_limit, (await stores.found(text)).key.caller().rate_limit) == (12, 12, 12)
    assert (await stores.add())[0].rate_limit is None


async def test_a_key_and_those_that_replace_it_have_the_groups_that_were_given(stores: Stores):
    made, text = await stores.add(replace(VIEWER, grant=Grant(Role.VIEWER, groups=frozenset({"processor", "é"}))))
    again = await stores.keys.rotate(ANYONE, made.id, new_key_text(), HOUR, HOUR)
    assert again is not None
    assert made.grant.groups == again.grant.groups == (await stores.found(text)).key.caller().groups
    assert (await stores.add())[0].grant.groups == frozenset()


async def test_a_rotated_key_goes_on_for_the_overlap(stores: Stores):
    grant = Grant(Role.OPERATOR, workflows=KeyPattern("a*"))
    old, old_text = await stores.add(KeyDraft("nightly", grant, 10 * HOUR))
    text = new_key_text()
    made = await stores.keys.rotate(act_of(DEFAULT, "key:operator"), old.id, text, 5 * HOUR, HOUR)
    assert made is not None
    assert (made.name, made.grant, made.replaces_id, made.created_by) == ("nightly", grant, old.id, "key:operator")
    assert (await stores.found(text)).key == made
    assert made.expires_at is not None
    left = (await stores.found(old_text)).seconds_left
    assert left is not None
    assert 0 < left <= HOUR


async def test_a_rotation_prolongs_nothing(stores: Stores):
    old, text = await stores.add(replace(VIEWER, lifetime_seconds=HOUR))
    assert await stores.keys.rotate(ANYONE, old.id, new_key_text(), None, 24 * HOUR) is not None
    assert (await stores.found(text)).key.expires_at == old.expires_at


async def test_a_key_that_is_no_longer_valid_is_not_rotated(stores: Stores):
    expired, _ = await stores.add(replace(VIEWER, lifetime_seconds=-1))
    revoked, _ = await stores.add()
    await stores.keys.revoke(ANYONE, revoked.id)
    for key_id in (expired.id, revoked.id, 999):
        assert await stores.keys.rotate(ANYONE, key_id, new_key_text(), HOUR, HOUR) is None
    assert (await stores.keys.list_keys(DEFAULT, 0, 10))[1] == 2


async def test_a_use_is_noted_and_then_not_again_for_a_while(stores: Stores):
    (one, one_text), (_, other_text) = await stores.add(), await stores.add()
    assert (await stores.found(one_text)).needs_touch
    await asyncio.gather(*(stores.keys.touch([one.id]) for _ in range(3)))
    found = await stores.found(one_text)
    assert found.key.last_used_at is not None
    assert not found.needs_touch
    assert (await stores.found(other_text)).key.last_used_at is None


async def test_what_has_ended_is_named(stores: Stores):
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    (valid, _), (revoked, _) = await stores.add(), await stores.add()
    expired, _ = await stores.add(replace(VIEWER, lifetime_seconds=-61))
    just_expired, _ = await stores.add(replace(VIEWER, lifetime_seconds=-1))
    await stores.keys.revoke(ANYONE, revoked.id)
    asked = [valid.id, revoked.id, expired.id, just_expired.id, 999]
    assert await stores.keys.ended(asked, [DEFAULT, other.id], 60) == Ended(
        frozenset({revoked.id, expired.id, 999}), frozenset()
    )
    await stores.suspend(other.id)
    assert await stores.keys.ended([], [DEFAULT, other.id, 999], 60) == Ended(frozenset(), frozenset({other.id, 999}))


async def test_the_keys_of_a_suspended_tenant_say_so(stores: Stores):
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    _, text = await stores.add(tenant_id=other.id)
    await stores.suspend(other.id)
    assert (await stores.found(text)).is_suspended


async def test_there_is_a_first_tenant_and_others_follow(stores: Stores):
    default = await stores.tenants.tenant("default")
    assert default is not None
    assert (default.id, default.suspended_at) == (DEFAULT, None)
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other one")
    assert await stores.tenants.tenant("other") == other
    assert await stores.tenants.tenant("missing") is None
    assert await stores.tenants.list_tenants(1, 10) == ([other], 2)
    with pytest.raises(Conflict):
        await stores.tenants.insert_tenant(ANYONE, "other", "Again")


async def test_limits_of_a_tenant_change_one_by_one_and_can_be_taken_away(stores: Stores):
    other = await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    assert other.limits == NO_LIMITS
    changed = await stores.tenants.change_tenant(
        ANYONE, "other", TenantChange({"max_running": 3, "starts_per_second": 5})
    )
    assert changed == replace(other, limits=TenantLimits(max_running=3, starts_per_second=5))
    changed = await stores.tenants.change_tenant(
        ANYONE, "other", TenantChange({"max_running": None, "max_definitions": 7})
    )
    assert changed == replace(other, limits=TenantLimits(starts_per_second=5, max_definitions=7))
    assert await stores.tenants.tenant("other") == changed
    assert await stores.tenants.change_tenant(ANYONE, "missing", TenantChange({"max_running": 3})) is None


async def test_a_suspension_begins_once_and_ends(stores: Stores):
    await stores.tenants.insert_tenant(ANYONE, "other", "Other")
    began = await stores.tenants.change_tenant(ANYONE, "other", TenantChange({}, suspended=True))
    assert began is not None
    assert began.suspended_at is not None
    again = await stores.tenants.change_tenant(ANYONE, "other", TenantChange({"max_running": 1}, suspended=True))
    assert again == replace(began, limits=TenantLimits(max_running=1))
    assert await stores.tenants.change_tenant(ANYONE, "other", TenantChange({})) == again
    ended = await stores.tenants.change_tenant(ANYONE, "other", TenantChange({}, suspended=False))
    assert ended == replace(again, suspended_at=None)


async def test_a_process_learns_the_limits_of_all_tenants_that_have_some(stores: Stores):
    assert await stores.limits.limits() == FoundLimits({}, there_are_several=False, engines=0)
    first, second, _ = [await stores.tenants.insert_tenant(ANYONE, key, key) for key in "abc"]
    await stores.tenants.change_tenant(ANYONE, "a", TenantChange({"max_running": 3}))
    await stores.tenants.change_tenant(ANYONE, "b", TenantChange({"max_definitions": 5}))
    limits = {first.id: TenantLimits(max_running=3), second.id: TenantLimits(max_definitions=5)}
    assert await stores.limits.limits() == FoundLimits(limits, there_are_several=True, engines=0)
