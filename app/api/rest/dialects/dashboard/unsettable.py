"""States that this dialect shows and does not set: the answer says which call does it."""

from app.api.rest.responses import PREFIX
from app.domain.errors import WrongState

_OF_WORKFLOWS = {
    "running": "POST {prefix}/workflows/{workflow}/executions starts one",
    "pending": "POST {prefix}/workflows/{workflow}/executions starts one",
    "paused": "POST {prefix}/executions/ID/pause pauses its execution",
    "cancelled": "POST {prefix}/executions/ID/cancel cancels its execution",
}
_OF_TASKS = {
    "completed": "POST {prefix}/executions/{execution}/skip with its name continues as if it had completed",
    "skipped": "POST {prefix}/executions/{execution}/skip with its name skips it",
    "cancelled": "POST {prefix}/executions/{execution}/cancel cancels its execution",
}


def status_of_workflow(wanted: str, workflow: str) -> WrongState:
    """That a workflow's status cannot be set, and what can be done instead."""
    usual = "it is that of its newest execution; POST {prefix}/workflows/{workflow}/executions starts one"
    call = _OF_WORKFLOWS.get(wanted, usual).format(prefix=PREFIX, workflow=workflow)
    return WrongState(f"the status of a workflow cannot be set to {wanted[:100]!r}: {call}")


def status_of_task(wanted: str, execution: str) -> WrongState:
    """As `status_of_workflow`, for a task of an execution."""
    usual = "the engine sets it; POST {prefix}/executions/{execution}/retry repeats what has failed"
    call = _OF_TASKS.get(wanted, usual).format(prefix=PREFIX, execution=execution)
    return WrongState(f"the status of a task cannot be set to {wanted[:100]!r}: {call}")


def status_of_defined_task(wanted: str, workflow: str) -> WrongState:
    """As `status_of_workflow`, for a task of a definition, which has none of its own."""
    call = f"POST {PREFIX}/workflows/{workflow}/executions starts an execution, which has tasks with states"
    return WrongState(f"the status of a task of a definition cannot be set to {wanted[:100]!r}: {call}")


def fields_of_task(task: int) -> WrongState:
    """That what an execution runs stays what it is."""
    return WrongState(
        f"an execution runs the revision that it was started with; PUT /api/tasks/{task} changes the definition, for "
        "executions that start later"
    )
