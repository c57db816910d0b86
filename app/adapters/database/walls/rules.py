"""What each role may do with each table, and which rows of it a caller's tenant may see.

A new table needs a line here. A test compares this list with the tables of the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OWNER = "workflow_owner"
API = "workflow_api"
ENGINE = "workflow_engine"

TENANT = "(SELECT nullif(current_setting('app.tenant', true), '')::int)"
"""The tenant of the statement, looked up once. A setting that was once made within a transaction is '' after it."""

OF_TENANT = f"tenant_id = {TENANT}"
EVERY = "true"

ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Wall:
    """One table.

    table: its name.
    rows: the condition that a row must meet to be seen or stored by the API's role.
    api: the rights of the API's role, as GRANT takes them.
    engine: the rights of the engine's role, which sees all rows.
    """

    table: str
    rows: str
    api: Sequence[str]
    engine: Sequence[str]


@dataclass(frozen=True, slots=True)
class Door:
    """A function that does one thing which the rights of its caller do not allow.

    name: the function; only one has this name.
    owner: the role with whose rights it runs.
    """

    name: str
    owner: str


def _of_parent(table: str, column: str, parent: str) -> str:
    """The condition for rows that have no tenant of their own: their parent can be seen."""
    return f"EXISTS (SELECT FROM {parent} p WHERE p.id = {table}.{column} AND p.{OF_TENANT})"


WALLS = (
    Wall("workflows", OF_TENANT, ALL, ["SELECT"]),
    Wall("tasks", _of_parent("tasks", "workflow_id", "workflows"), ALL, []),
    Wall("workflow_revisions", OF_TENANT, ["SELECT", "INSERT"], ["SELECT"]),
    Wall(
        "schedules",
        OF_TENANT,
        ALL,
        [
            "SELECT",
            "UPDATE (version, key, cron, time_zone, at, input, overlap, catch_up_seconds, paused, next_fire_at,"
            " waiting_fire_at, last_fire_at, last_execution_id, updated_at, due_at)",
        ],
    ),
    Wall(
        "executions",
        OF_TENANT,
        ["SELECT"],
        [
            "SELECT",
            "INSERT",
            "DELETE",
            "UPDATE (status, started_at, finished_at, output, failure, owner_id, due_at, ended_by)",
        ],
    ),
    Wall(
        "execution_events",
        _of_parent("execution_events", "execution_id", "executions"),
        ["SELECT"],
        ["SELECT", "INSERT", "DELETE"],
    ),
    Wall(
        "execution_commands",
        _of_parent("execution_commands", "execution_id", "executions"),
        ["SELECT"],
        ["SELECT", "INSERT", "DELETE"],
    ),
    Wall("api_keys", OF_TENANT, ["SELECT", "INSERT", "UPDATE"], []),
    Wall("ui_sessions", OF_TENANT, ["SELECT", "INSERT", "DELETE"], []),
    Wall("audit_log", OF_TENANT, ["SELECT", "INSERT"], ["SELECT"]),
    Wall("audit_heads", OF_TENANT, ["SELECT", "UPDATE (number, prev, hash)"], ["SELECT"]),
    # Ids of executions of all tenants; callers read what is theirs through doors.
    Wall("feed", EVERY, [], ["SELECT", "INSERT", "UPDATE (last)", "DELETE"]),
    Wall("feed_head", EVERY, ["SELECT"], ["SELECT", "UPDATE (last, removed, complete_since)"]),
    Wall("relay", EVERY, ["SELECT"], ["SELECT", "UPDATE (holder, held_until, position)"]),
    Wall("machines", OF_TENANT, ALL, ["SELECT"]),
    Wall("machine_revisions", OF_TENANT, ["SELECT", "INSERT"], ["SELECT"]),
    Wall("entities", OF_TENANT, ["SELECT"], ["SELECT", "INSERT", "UPDATE"]),
    Wall("entity_events", _of_parent("entity_events", "entity_id", "entities"), ["SELECT"], ["SELECT", "INSERT"]),
    Wall(
        "entity_runs",
        _of_parent("entity_runs", "execution_id", "executions"),
        [],
        ["SELECT", "INSERT", "UPDATE (ended, held_until)", "DELETE"],
    ),
    Wall("entity_waits", _of_parent("entity_waits", "execution_id", "executions"), [], ALL),
    Wall("suggestions", OF_TENANT, ALL, ["SELECT"]),
    Wall(
        "suggestion_runs",
        OF_TENANT,
        ["SELECT", "INSERT", "UPDATE (requested_at)"],
        ["SELECT", "INSERT", "UPDATE (due_at, requested_at, holder, held_until, computed_at)"],
    ),
    Wall("engine_fullness", EVERY, [], ALL),
    # The next four have no data of tenants. A caller's tenant is looked up by its key before it is known. The API shows
    # those who manage tenants more of an engine than others.
    Wall(
        "tenants",
        EVERY,
        ["SELECT", "INSERT", "UPDATE (name, suspended_at, max_running, starts_per_second, max_definitions)"],
        ["SELECT"],
    ),
    Wall("engines", EVERY, ["SELECT"], ALL),
    Wall("ended_engines", EVERY, ["SELECT"], ["SELECT", "INSERT", "DELETE"]),
    Wall("alembic_version", EVERY, ["SELECT"], ["SELECT"]),
)

DOORS = (
    Door("start_execution", ENGINE),
    Door("start_run", ENGINE),
    Door("send_command", ENGINE),
    Door("cancel_descendants", ENGINE),
    Door("make_due", ENGINE),
    Door("history_of", ENGINE),
    Door("last_event_of", ENGINE),
    Door("task_states", ENGINE),
    Door("progress_of", ENGINE),
    Door("outline_of_history", ENGINE),
    Door("attempts_of", ENGINE),
    Door("number_feed", ENGINE),
    Door("feed_entries", ENGINE),
    Door("feed_events", ENGINE),
    Door("feed_entity_events", ENGINE),
    Door("store_entity_step", ENGINE),
    Door("sample_events", ENGINE),
    # The engine's role may not read keys at all, so these run with the rights of the owner.
    Door("find_api_key", OWNER),
    Door("ended_api_keys", OWNER),
    Door("touch_api_keys", OWNER),
    Door("find_ui_session", OWNER),
)
"""Only the API's role may call them."""

TRIGGERS = ("begin_audit_log", "refuse_change_of_audit_log")
"""The functions of triggers. They belong to the owner, and no role may call them."""
