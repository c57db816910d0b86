"""Compares a child with its parent. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Parentage:
    """A child's row, and what its parent's row says.

    - id: the child
    - has_ended: whether the child has ended
    - is_stopping: whether a cancel of the child is stored, or in its history; not known for all that need none
    - has_task: whether the row says which task of the parent has started it
    - root_id: the top of its family
    - depth: how many executions are above it
    - parent_exists: whether there is a row of the parent
    - parent_has_ended: whether the parent has ended
    - parent_root_id: the top of the parent's family; None for a parent that is the top itself
    - parent_depth: how many executions are above the parent; None as before
    - parent_id: the parent
    - tenant_id: the tenant of the child
    - parent_tenant_id: the tenant of the parent; None if there is no row of it
    """

    id: UUID
    has_ended: bool
    is_stopping: bool
    has_task: bool
    root_id: UUID | None
    depth: int | None
    parent_exists: bool
    parent_has_ended: bool
    parent_root_id: UUID | None
    parent_depth: int | None
    parent_id: UUID
    tenant_id: int
    parent_tenant_id: int | None


def tenant_problems(child: Parentage) -> Iterator[str]:
    """Why the child must not be of this parent."""
    if child.parent_tenant_id not in (None, child.tenant_id):
        yield f"it is of tenant {child.tenant_id}, its parent {child.parent_id} of tenant {child.parent_tenant_id}"


def family_problems(child: Parentage) -> Iterator[str]:
    """What is wrong with the child's place in its family."""
    if not child.has_task:
        yield f"it is a child of {child.parent_id}, of no task"
    if not child.parent_exists:
        # Retention removes a family in the order of the ids, which is parents first.
        if not child.has_ended:
            yield f"its parent {child.parent_id} does not exist"
        return
    if child.root_id != (root := child.parent_root_id or child.parent_id):
        yield f"it is below {child.root_id}, its parent below {root}"
    if child.depth != (depth := (child.parent_depth or 0) + 1):
        yield f"its depth is {child.depth}, and by its parent {depth}"
    if child.parent_has_ended and not child.has_ended and not child.is_stopping:
        yield f"it runs on although its parent {child.parent_id} has ended, and was not asked to stop"
