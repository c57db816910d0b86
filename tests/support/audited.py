"""What is audited of both APIs: a rule for every operation that changes something."""

from collections.abc import Mapping

from app.domain.actions import Action

AUDITED: Mapping[str, Action] = {
    "create_workflow": Action.WORKFLOW_CREATE,
    "replace_workflow": Action.WORKFLOW_CHANGE,
    "update_workflow": Action.WORKFLOW_CHANGE,
    "delete_workflow": Action.WORKFLOW_DELETE,
    "create_task": Action.TASK_CREATE,
    "replace_task": Action.TASK_CHANGE,
    "update_task": Action.TASK_CHANGE,
    "delete_task": Action.TASK_DELETE,
    "create_dashboard_workflow": Action.WORKFLOW_CREATE,
    "update_dashboard_workflow": Action.WORKFLOW_CHANGE,
    "delete_dashboard_workflow": Action.WORKFLOW_DELETE,
    "create_dashboard_task": Action.TASK_CREATE,
    "update_dashboard_defined_task": Action.TASK_CHANGE,
    "delete_dashboard_defined_task": Action.TASK_DELETE,
    "restore_revision": Action.WORKFLOW_RESTORE,
    "start_flow_run": Action.WORKFLOW_CREATE,
    "cancel_execution": Action.EXECUTION_CANCEL,
    "pause_execution": Action.EXECUTION_PAUSE,
    "resume_execution": Action.EXECUTION_RESUME,
    "signal_execution": Action.EXECUTION_SIGNAL,
    "skip_task": Action.EXECUTION_SKIP,
    "retry_execution": Action.EXECUTION_RETRY,
    "rerun_execution": Action.EXECUTION_RERUN,
    "create_schedule": Action.SCHEDULE_CREATE,
    "replace_schedule": Action.SCHEDULE_CHANGE,
    "delete_schedule": Action.SCHEDULE_DELETE,
    "pause_schedule": Action.SCHEDULE_PAUSE,
    "resume_schedule": Action.SCHEDULE_RESUME,
    "create_machine": Action.MACHINE_CREATE,
    "replace_machine": Action.MACHINE_CHANGE,
    "update_machine": Action.MACHINE_CHANGE,
    "delete_machine": Action.MACHINE_DELETE,
    "restore_machine_revision": Action.MACHINE_RESTORE,
    "migrate_entities": Action.MACHINE_MIGRATE,
    "create_key": Action.KEY_CREATE,
    "rotate_key": Action.KEY_ROTATE,
    "revoke_key": Action.KEY_REVOKE,
    "create_suggestion": Action.SUGGESTION_CREATE,
    "approve_suggestion": Action.SUGGESTION_APPROVE,
    "reject_suggestion": Action.SUGGESTION_REJECT,
    "undo_suggestion": Action.SUGGESTION_UNDO,
    "create_dashboard_suggestion": Action.SUGGESTION_CREATE,
    "approve_dashboard_suggestion": Action.SUGGESTION_APPROVE,
    "reject_dashboard_suggestion": Action.SUGGESTION_REJECT,
    "create_tenant": Action.TENANT_CREATE,
    "update_tenant": Action.TENANT_CHANGE,
    "/workflow.WorkflowService/CancelExecution": Action.EXECUTION_CANCEL,
    "/workflow.WorkflowService/PauseExecution": Action.EXECUTION_PAUSE,
    "/workflow.WorkflowService/ResumeExecution": Action.EXECUTION_RESUME,
    "/workflow.WorkflowService/SignalExecution": Action.EXECUTION_SIGNAL,
    "/workflow.WorkflowService/SkipTask": Action.EXECUTION_SKIP,
    "/workflow.WorkflowService/RetryExecution": Action.EXECUTION_RETRY,
    "/workflow.WorkflowService/RerunExecution": Action.EXECUTION_RERUN,
}
"""`start_flow_run` stores the flow, if it is new or has changed, as a workflow."""

STARTS = frozenset(
    {
        "start_execution",
        "trigger_workflow",
        "pg_start_workflow_by_id",
        "pg_start_workflow",
        "pg_execute_transition",
        "/workflow.WorkflowService/StartWorkflow",
        "/workflow.WorkflowService/ExecuteWorkflow",
        "start_entity",
        "start_machine_entity",
        "update_entity",
        "transition_entity",
        "/workflow.MachineService/Start",
        "/workflow.MachineService/Transition",
    }
)
"""They are not audited: the row of the execution has `started_by`, and each event of an entity its `actor`."""

ONLY_READ = frozenset({"list_keys", "list_tenants", "compute_suggestions", "update_dashboard_task"})
"""They need a scope for changes, and change nothing that callers have made."""

OF_SESSIONS = frozenset({Action.SESSION_BEGIN, Action.SESSION_END})
"""Who calls needs no scope for them: see tests/integration/identity/test_sessions.py."""
