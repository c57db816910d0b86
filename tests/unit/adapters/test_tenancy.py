"""Every statement of the APIs' paths is bound to a tenant."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import asyncpg

from app.adapters.database.listing_sql import ListingSql
from app.adapters.database.statements import load
from app.adapters.database.tables import WorkflowRow
from app.adapters.database.tenancy import bound, in_tenant, of_tenant
from app.machines.listed import RESOURCES
from app.machines.listing import Listing

GATE = "(SELECT set_config('app.tenant', $1::int::text, true)) = $1::int::text"
UNBOUND = {
    # These call functions that check the tenant (migrations 0016 and 0019).
    "executions": {"enqueue", "start_run", "read_history", "last_event", "send_command"},
    # Numbers of all tenants; the events of one, by a function that checks the tenant; and what engines remove.
    "feed": {"number", "head", "entries", "events", "entity_events", "lock", "remove"},
    # All tenants, for engines; and a part that is followed by a condition.
    "audit": {"heads", "columns"},
    # A function that checks the tenant; parts that are followed by a condition; all tenants, for engines.
    "entities": {"store", "columns", "event_columns"}
    | {"due", "outlook", "ended", "sweep", "settle", "resolve_waits", "tell_waits", "sweep_waits"},
    # In a transaction that is bound to the tenant, beside the statement's own condition.
    "machines": {"insert", "insert_revision", "update", "lock_by_id", "lock_by_key", "delete"},
    # These call functions that check the tenant (migration 0024).
    "overview": {"outline_of_history", "advances", "attempts"},
    # What is put in front of conditions, which begin with that of the tenant.
    "listings": {"workflows", "workflow_states", "workflow_transitions", "entity_workflows", "workflow_history"},
    # `now` is of no tenant; engines claim what is due of all tenants.
    "schedules": {"now", "claim"},
}


@pytest.mark.parametrize("topic", sorted(UNBOUND))
def test_every_statement_is_bound(topic: str) -> None:
    statements = load(topic)
    assert {name for name, text in statements.items() if GATE not in text} == UNBOUND[topic]


@pytest.mark.parametrize(
    "name",
    ["workflow_key_by_id", "workflow_key_of_execution", "workflow_key_of_schedule_by_id", "get", "list", "count"],
)
def test_so_is_what_identity_reads_for_callers(name: str) -> None:
    assert GATE in load("identity")[name]


def test_statements_of_families_are_the_engines_or_call_a_function_that_checks_the_tenant() -> None:
    assert not any(GATE in text for text in load("families").values())
    doors = {name for name, text in load("families").items() if re.match(r"(--.*\n)*SELECT \w+\(\$1, \$2", text)}
    assert doors == {"cancel_descendants", "make_descendants_due"}


@pytest.mark.parametrize("topic", ["ownership", "recording", "retention", "checking", "kafka"])
def test_statements_of_engines_are_not_bound(topic: str) -> None:
    assert not any("app.tenant" in text for text in load(topic).values())


def test_listings_are_bound() -> None:
    for resource in RESOURCES.values():
        statement = ListingSql(7, Listing(resource, ()))
        assert GATE in statement.rows().rpartition(" AS r WHERE ")[2]
        assert GATE in statement.count().rpartition(" AS r WHERE ")[2]
        assert statement.arguments[0] == 7


def test_the_conditions_replace_the_mark() -> None:
    assert bound("WHERE w.tenant_id = :tenant AND id = $2") == f"WHERE w.tenant_id = $1::int AND {GATE} AND id = $2"
    assert in_tenant(7) == "tenant_id = 7 AND (SELECT set_config('app.tenant', '7', true)) = '7'"


def test_a_select_has_the_conditions_too() -> None:
    text = str(select(WorkflowRow.id).where(of_tenant(WorkflowRow.tenant_id)).compile(dialect=asyncpg.dialect()))
    assert "workflows.tenant_id = $1::INTEGER" in text
    assert "set_config($2::VARCHAR, CAST($1::INTEGER AS TEXT)" in text
