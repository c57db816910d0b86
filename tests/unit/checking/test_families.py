"""What the check says of a child, given its parent's row."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.checking.families import Parentage, family_problems, tenant_problems

# Not random: they are part of the names of tests, which all workers have to agree on.
CHILD, PARENT, ROOT, OTHER = (UUID(int=number) for number in range(1, 5))
FINE = Parentage(
    CHILD,
    has_ended=False,
    is_stopping=False,
    has_task=True,
    root_id=ROOT,
    depth=2,
    parent_exists=True,
    parent_has_ended=False,
    parent_root_id=ROOT,
    parent_depth=1,
    parent_id=PARENT,
    tenant_id=1,
    parent_tenant_id=1,
)
GONE = {"parent_exists": False, "parent_root_id": None, "parent_depth": None, "parent_tenant_id": None}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"root_id": PARENT, "depth": 1, "parent_root_id": None, "parent_depth": None, "parent_tenant_id": None},
        {"parent_has_ended": True, "is_stopping": True},
        {"parent_has_ended": True, "has_ended": True},
        {**GONE, "has_ended": True},
    ],
)
def test_a_whole_family(changes: dict[str, Any]) -> None:
    assert list(family_problems(replace(FINE, **changes))) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"has_task": False}, f"it is a child of {PARENT}, of no task"),
        (GONE, f"its parent {PARENT} does not exist"),
        ({"root_id": OTHER}, f"it is below {OTHER}, its parent below {ROOT}"),
        ({"root_id": None}, f"it is below None, its parent below {ROOT}"),
        ({"depth": 1}, "its depth is 1, and by its parent 2"),
        (
            {"parent_has_ended": True},
            f"it runs on although its parent {PARENT} has ended, and was not asked to stop",
        ),
    ],
)
def test_a_broken_family(changes: dict[str, Any], problem: str) -> None:
    assert list(family_problems(replace(FINE, **changes))) == [problem]


def test_a_child_is_of_the_tenant_of_its_parent() -> None:
    assert list(tenant_problems(FINE)) == list(tenant_problems(replace(FINE, **GONE))) == []
    [problem] = tenant_problems(replace(FINE, parent_tenant_id=2))
    assert problem == f"it is of tenant 1, its parent {PARENT} of tenant 2"
