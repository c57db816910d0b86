"""What waits for one of few places, taken by tenants in turn, and within a tenant by workflows in turn."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

from app.domain.shares import Group, TenantShares

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """The next is one of the tenant whose turn was the longest ago, and of the workflow of it whose turn was."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, OrderedDict[int, deque[Item]]] = OrderedDict()
        self._counts: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of_tenant(self, tenant_id: int) -> int:
        """How many wait for the tenant."""
        return self._counts.get(tenant_id, 0)

    def of(self, group: Group) -> int:
        """How many wait for the workflow."""
        workflows = self._waiting.get(group.tenant_id)
        return 0 if workflows is None else len(workflows.get(group.workflow_id, ()))

    def put(self, group: Group, item: Item) -> None:
        workflows = self._waiting.setdefault(group.tenant_id, OrderedDict())
        workflows.setdefault(group.workflow_id, deque()).append(item)
        self._change(group.tenant_id, 1)

    def remove(self, group: Group, item: Item) -> bool:
        """Return false if it does not wait any more."""
        if not self.of(group) or item not in (items := self._waiting[group.tenant_id][group.workflow_id]):
            return False
        items.remove(item)
        self._left(group)
        return True

    def pop(self, shares: TenantShares) -> tuple[Group, Item] | None:
        """The next one of a workflow that may take a place; None if there is none."""
        group = self._next(shares)
        if group is None:
            return None
        workflows = self._waiting[group.tenant_id]
        item = workflows[group.workflow_id].popleft()
        self._waiting.move_to_end(group.tenant_id)
        workflows.move_to_end(group.workflow_id)
        self._left(group)
        return group, item

    def clear(self) -> list[Item]:
        """Remove all, and return them."""
        items = [item for workflows in self._waiting.values() for waiting in workflows.values() for item in waiting]
        self._waiting.clear()
        self._counts.clear()
        self._count = 0
        return items

    def _next(self, shares: TenantShares) -> Group | None:
        for tenant_id, workflows in self._waiting.items():
            if shares.room_of(tenant_id) > 0:
                for workflow_id in workflows:
                    if shares.may_take(group := Group(tenant_id, workflow_id)):
                        return group
        return None

    def _left(self, group: Group) -> None:
        """One is gone. Groups come and go without end."""
        workflows = self._waiting[group.tenant_id]
        if not workflows[group.workflow_id]:
            del workflows[group.workflow_id]
        if not workflows:
            del self._waiting[group.tenant_id]
        self._change(group.tenant_id, -1)

    def _change(self, tenant_id: int, by: int) -> None:
        self._count += by
        left = self._counts.get(tenant_id, 0) + by
        if left:
            self._counts[tenant_id] = left
        else:
            del self._counts[tenant_id]
