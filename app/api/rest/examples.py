"""The examples of the OpenAPI document: one workflow, one of its tasks, one execution of it, and one event."""

from app.api.rest.task_bodies import EXAMPLE_TASK
from app.api.rest.workflow_bodies import EXAMPLE_WORKFLOW

EXECUTION_ID = "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"
INSTANT = "2026-01-31T02:00:00.000000Z"

TASK = {
    "id": 12,
    "workflow_id": 7,
    "name": "fetch",
    "description": "Read the numbers of yesterday",
    "execution_type": "sync",
    "sequence": 1,
    "type": "http",
    "config": EXAMPLE_TASK["config"],
    "timeout_seconds": 30.0,
    "retry": {
        "max_attempts": 3,
        "initial_interval_seconds": 1.0,
        "backoff_coefficient": 2.0,
        "max_interval_seconds": 60.0,
        "jitter": 0.1,
        "non_retryable_errors": [],
    },
    "depends_on": None,
    "on_failure": "fail",
    "compensate": [],
    "when": None,
    "for_each": None,
    "max_concurrency": None,
    "output_schema": None,
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
WORKFLOW = {
    "id": 7,
    "key": "nightly-report",
    "name": "Nightly report",
    "description": EXAMPLE_WORKFLOW["description"],
    "timeout_seconds": 3600.0,
    "variables": EXAMPLE_WORKFLOW["variables"],
    "secrets": [],
    "input_schema": None,
    "retention_days": 30.0,
    "start_task": None,
    "conditions": [],
    "max_visits": None,
    "revision": 1,
    "tasks": [TASK],
    "created_at": INSTANT,
    "updated_at": INSTANT,
}
EXECUTION = {
    "id": EXECUTION_ID,
    "workflow_id": 7,
    "revision": 1,
    "status": "completed",
    "input": {"day": "2026-01-31"},
    "output": {"fetch": {"status": 200}},
    "error": None,
    "created_at": INSTANT,
    "started_at": INSTANT,
    "finished_at": "2026-01-31T02:00:01.250000Z",
    "idempotency_key": "report-2026-01-31",
    "origin_id": None,
    "parent": None,
    "root_id": EXECUTION_ID,
    "depth": 0,
    "started_by": "key:Xk3vT9aB",
}
EVENT = {
    "sequence": 4,
    "type": "task_completed",
    "occurred_at": "2026-01-31T02:00:00.750000Z",
    "status": "running",
    "progress_percent": 33,
    "task_id": 12,
    "task_name": "fetch",
    "task_status": "completed",
    "attempt": 1,
    "message": "Task 'fetch' completed",
    "output": {"status": 200},
    "error": None,
    "waits_for": None,
    "requested_by": None,
}

FEED_EVENT = {"position": 4711, "execution_id": EXECUTION_ID, "workflow_id": 7, **EVENT}
