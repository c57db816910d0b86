"""Acts for tests that call stores themselves: of everyone, or of a caller in another tenant."""

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from tests.support.tenant import CALLER

ANYONE = Act(CALLER, Action.WORKFLOW_CHANGE)


def act_of(tenant_id: int, principal: str = "key:Xk3vT9aB", action: Action = Action.WORKFLOW_CHANGE) -> Act:
    return Act(Caller(tenant_id, "other", principal, frozenset()), action)
