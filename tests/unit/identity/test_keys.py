"""Making, rotating and revoking keys: what is allowed to whom, and what a key may be."""

from datetime import UTC, datetime

import pytest

from app.domain.callers import ANONYMOUS, Caller, KeyPattern
from app.domain.errors import Conflict, Invalid, NotFound, PermissionDenied
from app.domain.permissions import SCOPES_OF, Role, Scope
from app.identity.api_keys import KEY_FORM, Grant, KeyDraft, digest_of, new_key_text
from app.identity.keys import KeyService
from tests.support.acts import ANYONE
from tests.support.memory.identity import MemoryKeyStore, MemoryTenantStore

DAY = 86_400.0


class House:
    def __init__(self) -> None:
        self.tenants = MemoryTenantStore(lambda: datetime.now(UTC))
        self.store = MemoryKeyStore(self.tenants, lambda: datetime.now(UTC))
        self.announced = 0
        self.keys = KeyService(self.store, self.announce)

    async def announce(self) -> None:
        self.announced += 1


def caller(role: Role, tenant_id: int = 1) -> Caller:
    return Caller(tenant_id, "default", "key:test", SCOPES_OF[role], role)


def test_texts_have_256_random_bits_and_do_not_show_themselves():
    made = new_key_text()
    assert KEY_FORM.fullmatch(made.text.encode())
    assert made.text != new_key_text().text
    assert made.digest == digest_of(made.text.encode())
    assert made.text not in repr(made)


async def test_a_text_is_not_in_what_is_logged_of_a_new_key():
    made = await House().keys.create(ANONYMOUS, KeyDraft("a", Grant(Role.ADMIN)))
    assert made.text not in repr(made)


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        (KeyDraft(" ", Grant(Role.VIEWER)), "name"),
        (KeyDraft("x" * 201, Grant(Role.VIEWER)), "name"),
        (KeyDraft("a\nb", Grant(Role.VIEWER)), "name"),
        (KeyDraft("a", Grant()), "role"),
        (KeyDraft("a", Grant(Role.VIEWER, frozenset({Scope.EXECUTIONS_READ}))), "role"),
        (KeyDraft("a", Grant(scopes=frozenset())), "scopes"),
        (KeyDraft("a", Grant(Role.VIEWER, workflows=KeyPattern(""))), "workflows"),
        (KeyDraft("a", Grant(Role.VIEWER, workflows=KeyPattern("a b"))), "workflows"),
        (KeyDraft("a", Grant(Role.EDITOR, workflows=KeyPattern("a*"))), "workflows"),
        (KeyDraft("a", Grant(Role.VIEWER), 0), "expires_in_days"),
        (KeyDraft("a", Grant(Role.VIEWER), -DAY), "expires_in_days"),
        (KeyDraft("a", Grant(Role.VIEWER), 1e300), "expires_in_days"),
        (KeyDraft("a", Grant(Role.VIEWER), float("nan")), "expires_in_days"),
        (KeyDraft("a", Grant(Role.VIEWER), rate_limit=0), "rate_limit"),
        (KeyDraft("a", Grant(Role.VIEWER), rate_limit=10**9), "rate_limit"),
        (KeyDraft("a", Grant(Role.VIEWER, groups=frozenset({" "}))), "groups"),
        (KeyDraft("a", Grant(Role.VIEWER, groups=frozenset({"a\n"}))), "groups"),
        (KeyDraft("a", Grant(Role.VIEWER, groups=frozenset({"x" * 101}))), "groups"),
        (KeyDraft("a", Grant(Role.VIEWER, groups=frozenset({"admin"}))), "groups"),
        (KeyDraft("a", Grant(Role.VIEWER, groups=frozenset(map(str, range(51))))), "groups"),
    ],
)
async def test_a_draft_that_breaks_a_rule(draft: KeyDraft, path: str):
    with pytest.raises(Invalid) as caught:
        await House().keys.create(ANONYMOUS, draft)
    assert [problem.path for problem in caught.value.problems] == [path]


async def test_only_an_admin_gives_groups_that_it_does_not_have():
    keys = House().keys
    grant = Grant(scopes=frozenset({Scope.EXECUTIONS_READ}), groups=frozenset({"processor"}))
    scopes = frozenset({Scope.KEYS_MANAGE, Scope.EXECUTIONS_READ})
    with pytest.raises(PermissionDenied, match="processor"):
        await keys.create(Caller(1, "default", "key:few", scopes), KeyDraft("a", grant))
    member = Caller(1, "default", "key:few", scopes, groups=frozenset({"processor", "reader"}))
    made = await keys.create(member, KeyDraft("a", grant))
    with pytest.raises(PermissionDenied, match="processor"):
        await keys.revoke(Caller(1, "default", "key:few", scopes), made.key.id)
    assert (await keys.create(caller(Role.ADMIN), KeyDraft("a", grant))).key.caller().groups == grant.groups


async def test_no_key_allows_more_than_its_maker_may_do():
    house = House()
    with pytest.raises(PermissionDenied, match="tenants:manage"):
        await house.keys.create(ANONYMOUS, KeyDraft("a", Grant(Role.SYSTEM)))
    few = Caller(1, "default", "key:few", frozenset({Scope.KEYS_MANAGE, Scope.EXECUTIONS_READ}))
    with pytest.raises(PermissionDenied, match="definitions:read, machines:read, schedules:read"):
        await house.keys.create(few, KeyDraft("a", Grant(Role.VIEWER)))
    assert await house.keys.create(few, KeyDraft("a", Grant(scopes=frozenset({Scope.EXECUTIONS_READ}))))


async def test_a_key_that_allows_more_can_be_neither_rotated_nor_revoked():
    house = House()
    made = await house.keys.create(caller(Role.SYSTEM), KeyDraft("a", Grant(Role.SYSTEM)))
    for change in (house.keys.rotate, house.keys.revoke):
        with pytest.raises(PermissionDenied):
            await change(caller(Role.ADMIN), made.key.id)
    assert await house.store.get(1, made.key.id) == made.key


async def test_the_keys_of_other_tenants_do_not_exist():
    house = House()
    other = await house.tenants.insert_tenant(ANYONE, "other", "Other")
    made = await house.keys.create(ANONYMOUS, KeyDraft("a", Grant(Role.VIEWER)))
    stranger = caller(Role.SYSTEM, other.id)
    for change in (house.keys.rotate, house.keys.revoke):
        with pytest.raises(NotFound):
            await change(stranger, made.key.id)
    assert await house.keys.list_keys(stranger, 0, 10) == ([], 0)


async def test_a_rotation_and_a_revocation_are_announced():
    house = House()
    made = await house.keys.create(ANONYMOUS, KeyDraft("a", Grant(Role.VIEWER)))
    assert house.announced == 0, "no process can know a key that is new"
    rotated = await house.keys.rotate(ANONYMOUS, made.key.id)
    assert (rotated.key.replaces_id, house.announced) == (made.key.id, 1)
    await house.keys.revoke(ANONYMOUS, made.key.id)
    assert house.announced == 2
    with pytest.raises(Conflict, match="no longer valid"):
        await house.keys.rotate(ANONYMOUS, made.key.id)


@pytest.mark.parametrize(("lifetime", "overlap"), [(0, 1), (-1, 1), (1e300, 1), (DAY, -1), (DAY, 1e300)])
async def test_times_of_a_rotation_have_bounds(lifetime: float, overlap: float):
    house = House()
    made = await house.keys.create(ANONYMOUS, KeyDraft("a", Grant(Role.VIEWER)))
    with pytest.raises(Invalid):
        await house.keys.rotate(ANONYMOUS, made.key.id, lifetime, overlap)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("reports-*", ["reports-a", "reports-"], ["report-a", "a-reports-b", "Reports-a", "reports"]),
        ("reports", ["reports"], ["reports-a", "", "report"]),
        ("*", ["a", ""], []),
        ("*-daily", ["a-daily", "-daily"], ["a-daily-b", "daily"]),
        ("a*b*c", ["abc", "a-b-c", "abbcc"], ["acb", "ab", "a-c"]),
        ("ab*ba", ["abba", "ab-ba"], ["aba"]),
        ("a.c", ["a.c"], ["abc"]),
    ],
)
def test_a_pattern_matches_whole_keys(pattern: str, matching: list[str], others: list[str]):
    assert [key for key in matching + others if KeyPattern(pattern).matches(key)] == matching
    assert not KeyPattern(pattern).matches(None)
