"""One line of the log for each failed attempt and each failed execution, written when its event is stored.

Secrets are masked before an event is made (`Preparation.checked`), so a line that is made of an event has none.
"""

from typing import Any
from uuid import UUID

import orjson
import structlog

from app.domain.events import Event, EventType
from app.domain.texts import storable_text
from app.engine.planning.plan import Plan

log = structlog.get_logger(__name__)

LONGEST_REASON = 500
"""In characters; the history has the whole text."""


def log_failed_attempt(execution_id: UUID, plan: Plan, event: Event) -> None:
    """`event` is a TASK_RETRYING or a TASK_FAILED.

    The line is a warning if the task has failed for good. If it is repeated, or if its definition says that the
    execution continues without it, the line is an info.
    """
    planned = plan.tasks[plan.index_of[event.task_id or 0]]
    data = orjson.loads(event.data or "{}")
    about = {"task": planned.name, "attempt": event.attempt, **_about(execution_id, plan, data)}
    if event.type is EventType.TASK_RETRYING:
        log.info("attempt_failed", **about, retry_at=data.get("retry_at"))
    elif planned.may_fail:
        log.info("attempt_failed", **about)
    else:
        log.warning("attempt_failed", **about)


def log_failed_execution(execution_id: UUID, plan: Plan, event: Event) -> None:
    """`event` is an EXECUTION_FAILED."""
    log.warning("execution_failed", **_about(execution_id, plan, orjson.loads(event.data or "{}")))


def _about(execution_id: UUID, plan: Plan, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "execution_id": str(execution_id),
        "workflow": f"{plan.key or plan.workflow_id}@{plan.revision}",
        "code": data.get("code"),
        "reason": storable_text(data.get("message", ""), LONGEST_REASON),
    }
