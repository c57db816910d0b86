"""How places are divided among groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.shares import MOST_PER_FREE, Group, Shares, TenantShares, allowance


def filled(size: int, *groups: str) -> Shares:
    """Each of the groups takes what it may, in turns."""
    shares = Shares(size)
    while waiting := [group for group in groups if shares.may_take(group)]:
        for group in waiting:
            if shares.may_take(group):
                shares.take(group)
    return shares


@pytest.mark.parametrize(("size", "taken"), [(1, 1), (2, 2), (8, 8), (9, 8), (16, 15), (50, 45), (1000, 889)])
def test_one_group_leaves_some_places_to_others(size: int, taken: int) -> None:
    assert filled(size, "a").taken("a") == taken


def test_groups_that_want_all_have_equally_many() -> None:
    shares = filled(1000, "a", "b", "c", "d")
    assert {shares.taken(group) for group in "abcd"} <= {242, 243}
    assert shares.may_take("e")


def test_a_group_that_comes_late_gets_its_share_when_the_others_give_back() -> None:
    shares = filled(100, "a")
    for _ in range(200):
        if shares.may_take("b"):
            shares.take("b")
        shares.give("a")
        if shares.may_take("a"):
            shares.take("a")
    assert abs(shares.taken("a") - shares.taken("b")) <= 1


def test_a_place_may_be_taken_without_asking() -> None:
    shares = Shares(1)
    shares.take("a")
    shares.take("b")
    assert (shares.free, shares.may_take("c"), shares.allowance()) == (-1, False, 0)
    shares.give("a")
    assert (shares.free, shares.may_take("b")) == (0, False)


def test_groups_without_places_are_forgotten() -> None:
    shares = Shares(5)
    for group in range(1000):
        assert shares.may_take(group)
        shares.take(group)
        shares.give(group)
    assert not shares._taken


@given(st.integers(1, 60), st.integers(0, 70), st.integers(0, 70))
def test_the_allowance_is_what_can_be_taken_one_after_the_other(size: int, own: int, others: int) -> None:
    shares = Shares(size)
    for group, count in (("own", own), ("others", others)):
        for _ in range(count):
            shares.take(group)
    allowed = shares.allowance(own)
    taken = 0
    while shares.may_take("own"):
        shares.take("own")
        taken += 1
    assert taken == allowed
    assert own + taken <= max(own, MOST_PER_FREE * size)


def filled_by_tenants(size: int, *groups: Group, several: bool = True) -> TenantShares:
    shares = TenantShares(size)
    shares.several = several
    while waiting := [group for group in groups if shares.may_take(group)]:
        for group in waiting:
            if shares.may_take(group):
                shares.take(group)
    return shares


def test_a_tenant_has_no_more_places_for_having_more_workflows() -> None:
    shares = TenantShares(1000)
    few, many = [Group(2, -number) for number in range(1, 20)], [Group(1, number) for number in range(1_000)]
    while ready := [group for group in (_next(shares, many), _next(shares, few)) if group is not None]:
        for group in ready:
            if shares.may_take(group):
                shares.take(group)
    assert abs(shares.taken_by(1) - shares.taken_by(2)) <= 5
    assert shares.may_take(Group(3, 0))


def _next(shares: TenantShares, groups: list[Group]) -> Group | None:
    """The one with the fewest places of those that may take one more."""
    taken = shares.groups()
    return min((group for group in groups if shares.may_take(group)), key=lambda g: taken.get(g, 0), default=None)


def test_the_workflows_of_a_tenant_share_what_it_may_have() -> None:
    shares = filled_by_tenants(1000, Group(1, 1))
    assert shares.taken_by(1) == 791
    assert shares.may_take(Group(1, 2))
    assert shares.may_take(Group(2, 3))


def test_one_tenant_alone_has_what_workflows_have_without_tenants() -> None:
    shares = TenantShares(1000)
    while shares.may_take(Group(1, 1)):
        shares.take(Group(1, 1))
    assert shares.taken_by(1) == filled(1000, "a").taken("a")
    assert not shares.several
    assert shares.may_take(Group(2, 2))
    assert shares.several


@given(st.integers(1, 60), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_a_workflow_is_allowed_what_it_can_take_one_after_the_other(
    size: int, own: int, of_tenant: int, others: int, several: bool
) -> None:
    shares = TenantShares(size)
    for group, count in ((Group(1, 1), own), (Group(1, 2), of_tenant), (Group(2, 3), others if several else 0)):
        for _ in range(count):
            shares.take(group)
    shares.several = several
    allowed = allowance(shares.room_of(1), own)
    taken = 0
    while shares.may_take(Group(1, 1)):
        shares.take(Group(1, 1))
        taken += 1
    assert taken == allowed
