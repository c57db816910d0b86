"""Who may call what: one table from every operation of all APIs to the scopes that it needs.

REST operations have the names of their routes, which are their operation ids in the OpenAPI document. gRPC methods have
their full names. Channels of WebSocket have the name of their kind, as `live.executions`. An operation that is not in
the table needs every scope, so that only the role `system` could call it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Scope(StrEnum):
    """One permission."""

    DEFINITIONS_READ = "definitions:read"
    DEFINITIONS_WRITE = "definitions:write"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_START = "executions:start"
    EXECUTIONS_CONTROL = "executions:control"
    EXECUTIONS_SIGNAL = "executions:signal"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    MACHINES_READ = "machines:read"
    MACHINES_WRITE = "machines:write"
    MACHINES_TRANSITION = "machines:transition"
    MACHINES_IMPERSONATE = "machines:impersonate"
    SUGGESTIONS_CREATE = "suggestions:create"
    AUDIT_READ = "audit:read"
    KEYS_MANAGE = "keys:manage"
    TENANTS_MANAGE = "tenants:manage"


class Role(StrEnum):
    """A set of scopes with a name. Each role has the scopes of those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EDITOR = "editor"
    ADMIN = "admin"
    SYSTEM = "system"


ROLE_NAMES = frozenset(role.value for role in Role)
"""No group can have one of these."""


class Access(Enum):
    """Who may call an operation.

    OPEN: everyone, without credentials.
    DOCUMENTATION: as the setting AUTH_DOCUMENTATION says.
    CALLERS: callers with the scopes of the operation.
    """

    OPEN = auto()
    DOCUMENTATION = auto()
    CALLERS = auto()


class Target(Enum):
    """What an operation names, for callers that are limited to some workflows.

    WORKFLOW: a workflow, by its id or key.
    EXECUTION: an execution.
    SCHEDULE: a schedule, by its id or key.
    LIST: nothing, unless a filter names a workflow.
    ASKED: something that is not in the path or the query; the route itself asks whether it is within the limit.
    ALL: more than one workflow; callers that are limited cannot call it.
    NONE: no workflow; the limit does not matter.
    """

    WORKFLOW = auto()
    EXECUTION = auto()
    SCHEDULE = auto()
    LIST = auto()
    ASKED = auto()
    ALL = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Permission:
    """What a caller needs for an operation.

    access: who may call it.
    scopes: all of these.
    target: what it names.
    """

    access: Access
    scopes: frozenset[Scope] = frozenset()
    target: Target = Target.ALL


_VIEWER = frozenset({Scope.DEFINITIONS_READ, Scope.EXECUTIONS_READ, Scope.SCHEDULES_READ, Scope.MACHINES_READ})
_OPERATOR = _VIEWER | {
    Scope.EXECUTIONS_START,
    Scope.EXECUTIONS_CONTROL,
    Scope.EXECUTIONS_SIGNAL,
    Scope.MACHINES_TRANSITION,
    Scope.SUGGESTIONS_CREATE,
}
_EDITOR = _OPERATOR | {Scope.DEFINITIONS_WRITE, Scope.SCHEDULES_WRITE, Scope.MACHINES_WRITE}
_ADMIN = _EDITOR | {Scope.AUDIT_READ, Scope.KEYS_MANAGE, Scope.MACHINES_IMPERSONATE}

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.SYSTEM: _ADMIN | {Scope.TENANTS_MANAGE},
}

OF_SOME_WORKFLOWS = _OPERATOR
"""The scopes that a key can have which is limited to some workflows.

A definition can call any workflow, so a key that may write definitions could reach all of them.
"""

OPEN = Permission(Access.OPEN, target=Target.NONE)
DOCUMENTATION = Permission(Access.DOCUMENTATION, target=Target.NONE)
AUTHENTICATED = Permission(Access.CALLERS, target=Target.NONE)
"""For operations without a place in the table, as unknown paths: a caller, who then learns that there is nothing."""


def _for(scope: Scope, target: Target = Target.ALL, *more: Scope) -> Permission:
    return Permission(Access.CALLERS, frozenset((scope, *more)), target)


def _each(permission: Permission, *names: str) -> dict[str, Permission]:
    return dict.fromkeys(names, permission)


def _rpcs(permission: Permission, *names: str, service: str = "WorkflowService") -> dict[str, Permission]:
    return _each(permission, *(f"/workflow.{service}/{name}" for name in names))


_REST: Mapping[str, Permission] = {
    **_each(OPEN, "healthz", "readyz", "get_health", "get_dashboard_health", "get_entry"),
    **_each(DOCUMENTATION, "openapi", "asyncapi", "swagger_ui_html"),
    **_each(AUTHENTICATED, "get_me", "begin_session", "end_session"),
    **_each(_for(Scope.DEFINITIONS_READ, Target.LIST), "list_workflows"),
    **_each(
        _for(Scope.DEFINITIONS_READ, Target.WORKFLOW),
        "get_workflow",
        "list_tasks",
        "list_revisions",
        "get_revision",
        "get_revision_file",
        "get_revision_changes",
        "get_revision_graph",
        "get_flow",
        "test_workflow",
    ),
    **_each(_for(Scope.DEFINITIONS_READ), "get_task", "list_flows", "validate_workflow"),
    **_each(
        _for(Scope.DEFINITIONS_WRITE),
        "create_workflow",
        "replace_workflow",
        "update_workflow",
        "delete_workflow",
        "create_task",
        "replace_task",
        "update_task",
        "delete_task",
        "restore_revision",
    ),
    **_each(
        _for(Scope.EXECUTIONS_READ, Target.LIST), "list_executions", "list_feed_events", "list_runs", "count_executions"
    ),
    **_each(_for(Scope.EXECUTIONS_READ, Target.WORKFLOW), "get_workflow_statistics"),
    **_each(_for(Scope.EXECUTIONS_READ, Target.ASKED), "get_run"),
    **_each(_for(Scope.EXECUTIONS_READ), "list_engines", "get_engine", "list_dashboard_agents", "get_dashboard_agent"),
    **_each(_for(Scope.DEFINITIONS_READ, Target.LIST, Scope.EXECUTIONS_READ), "list_dashboard_workflows"),
    **_each(_for(Scope.DEFINITIONS_READ, Target.WORKFLOW, Scope.EXECUTIONS_READ), "get_dashboard_workflow"),
    **_each(_for(Scope.EXECUTIONS_READ, Target.LIST), "list_dashboard_tasks"),
    **_each(_for(Scope.EXECUTIONS_READ, Target.EXECUTION), "get_dashboard_task"),
    **_each(_for(Scope.DEFINITIONS_READ), "get_dashboard_defined_task"),
    **_each(
        _for(Scope.DEFINITIONS_WRITE, Target.ALL, Scope.DEFINITIONS_READ, Scope.EXECUTIONS_READ),
        "create_dashboard_workflow",
        "update_dashboard_workflow",
    ),
    **_each(
        _for(Scope.DEFINITIONS_WRITE),
        "delete_dashboard_workflow",
        "create_dashboard_task",
        "update_dashboard_defined_task",
        "delete_dashboard_defined_task",
    ),
    **_each(
        _for(Scope.EXECUTIONS_READ, Target.EXECUTION),
        "get_execution",
        "get_execution_view",
        "list_events",
        "stream_events",
        "list_task_executions",
        "get_flow_run",
    ),
    **_each(_for(Scope.EXECUTIONS_START, Target.WORKFLOW), "start_execution"),
    **_each(_for(Scope.EXECUTIONS_START, Target.ASKED), "trigger_workflow"),
    **_each(_for(Scope.EXECUTIONS_START, Target.EXECUTION), "retry_execution", "rerun_execution"),
    **_each(_for(Scope.EXECUTIONS_START, Target.ALL, Scope.DEFINITIONS_WRITE), "start_flow_run"),
    **_each(
        _for(Scope.EXECUTIONS_CONTROL, Target.EXECUTION),
        "update_dashboard_task",
        "cancel_execution",
        "pause_execution",
        "resume_execution",
        "skip_task",
    ),
    **_each(_for(Scope.EXECUTIONS_SIGNAL, Target.EXECUTION), "signal_execution"),
    **_each(_for(Scope.SCHEDULES_READ, Target.LIST), "list_schedules"),
    **_each(_for(Scope.SCHEDULES_READ, Target.SCHEDULE), "get_schedule", "preview_schedule"),
    **_each(
        _for(Scope.SCHEDULES_WRITE),
        "create_schedule",
        "replace_schedule",
        "delete_schedule",
        "pause_schedule",
        "resume_schedule",
    ),
    **_each(
        _for(Scope.MACHINES_READ),
        "list_machines",
        "get_machine",
        "get_machine_graph",
        "validate_machine",
        "list_machine_revisions",
        "get_machine_revision",
        "get_machine_changes",
        "list_entities",
        "get_entity",
        "list_entity_transitions",
        "list_entity_events",
        "stream_entity_events",
        "pg_workflows",
        "pg_workflow_states",
        "pg_workflow_transitions",
        "pg_entity_workflows",
        "pg_workflow_history",
        "pg_get_transitions",
        "pg_post_get_transitions",
    ),
    **_each(
        _for(Scope.MACHINES_WRITE),
        "create_machine",
        "replace_machine",
        "update_machine",
        "delete_machine",
        "restore_machine_revision",
        "migrate_entities",
    ),
    **_each(
        _for(Scope.MACHINES_TRANSITION),
        "start_entity",
        "start_machine_entity",
        "update_entity",
        "transition_entity",
        "pg_start_workflow_by_id",
        "pg_start_workflow",
        "pg_execute_transition",
    ),
    **_each(_for(Scope.DEFINITIONS_READ, Target.LIST), "list_suggestions", "list_dashboard_suggestions"),
    **_each(_for(Scope.DEFINITIONS_READ), "get_suggestion", "get_dashboard_suggestion"),
    **_each(_for(Scope.DEFINITIONS_READ, Target.ALL, Scope.EXECUTIONS_READ), "get_suggestion_evidence"),
    **_each(_for(Scope.SUGGESTIONS_CREATE), "create_suggestion", "compute_suggestions", "create_dashboard_suggestion"),
    **_each(
        _for(Scope.DEFINITIONS_WRITE),
        "approve_suggestion",
        "reject_suggestion",
        "undo_suggestion",
        "approve_dashboard_suggestion",
        "reject_dashboard_suggestion",
    ),
    **_each(_for(Scope.AUDIT_READ), "list_audit", "list_dashboard_audit"),
    **_each(_for(Scope.KEYS_MANAGE), "create_key", "list_keys", "rotate_key", "revoke_key"),
    **_each(_for(Scope.TENANTS_MANAGE), "create_tenant", "list_tenants", "update_tenant"),
}

_GRPC: Mapping[str, Permission] = {
    **_rpcs(_for(Scope.EXECUTIONS_START, Target.WORKFLOW), "StartWorkflow"),
    **_rpcs(_for(Scope.EXECUTIONS_START, Target.WORKFLOW, Scope.EXECUTIONS_READ), "ExecuteWorkflow"),
    **_rpcs(_for(Scope.EXECUTIONS_START, Target.EXECUTION), "RetryExecution", "RerunExecution"),
    **_rpcs(_for(Scope.EXECUTIONS_READ, Target.EXECUTION), "WatchExecution", "GetWorkflowStatus"),
    **_rpcs(_for(Scope.EXECUTIONS_READ, Target.LIST), "ListExecutions", "ListEvents", "WatchEvents"),
    **_rpcs(
        _for(Scope.EXECUTIONS_CONTROL, Target.EXECUTION),
        "CancelExecution",
        "PauseExecution",
        "ResumeExecution",
        "SkipTask",
    ),
    **_rpcs(_for(Scope.EXECUTIONS_SIGNAL, Target.EXECUTION), "SignalExecution"),
    **_rpcs(_for(Scope.MACHINES_TRANSITION), "Start", "Transition", service="MachineService"),
    **_rpcs(
        _for(Scope.MACHINES_READ),
        "GetEntity",
        "ListEntities",
        "ListTransitions",
        "WatchEntity",
        service="MachineService",
    ),
    **_each(OPEN, *(f"/grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List"))),
    **_each(
        DOCUMENTATION,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ),
}

_LIVE: Mapping[str, Permission] = {
    **_each(_for(Scope.DEFINITIONS_READ, Target.LIST), "live.workflows", "live.suggestions"),
    **_each(_for(Scope.EXECUTIONS_READ, Target.LIST), "live.executions", "live.tasks"),
    **_each(_for(Scope.DEFINITIONS_READ, Target.WORKFLOW, Scope.EXECUTIONS_READ), "live.workflow"),
    **_each(_for(Scope.EXECUTIONS_READ, Target.EXECUTION), "live.execution"),
    **_each(_for(Scope.EXECUTIONS_READ), "live.task"),
    **_each(_for(Scope.MACHINES_READ), "live.entity"),
}
"""The channels of WebSocket."""

OPERATIONS: Mapping[str, Permission] = {**_REST, **_GRPC, **_LIVE}


_NOT_LISTED = Permission(Access.CALLERS, frozenset(Scope))


def permission_of(operation: str) -> Permission:
    """What a caller needs for an operation: the name of a REST route, or the full name of an RPC."""
    return OPERATIONS.get(operation, _NOT_LISTED)


def missing_scopes(needed: Iterable[Scope], held: frozenset[Scope]) -> list[str]:
    return sorted(scope.value for scope in needed if scope not in held)


def least_role(needed: frozenset[Scope]) -> Role:
    """The lowest role with all of the scopes."""
    return next(role for role in Role if needed <= SCOPES_OF[role])
