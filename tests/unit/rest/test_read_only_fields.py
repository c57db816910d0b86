"""What a response has can be sent back: by the OpenAPI document, and for workflows of any content."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.rest.app import create_app
from app.api.rest.field_problems import SET_BY_THE_SERVICE
from app.api.rest.task_bodies import TaskInList, TaskReplace
from app.api.rest.workflow_bodies import WorkflowPatch, WorkflowReplace
from app.definitions import changes, edits
from app.definitions.changes import draft_fields, find_change, first_revision
from app.definitions.matching import ReturnedTask
from app.domain.definitions import ExecutionType, RetryPolicy, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import workflow_document
from app.domain.routing import Condition, RouteOutcome
from app.domain.stated import NOTHING_STATED, Stated

THEN = datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def openapi() -> dict:
    @asynccontextmanager
    async def lifespan(app):
        yield

    return create_app(lifespan).openapi()


OF_OWN_FORM = ("/api/v1/entities/{entity}",)
"""Their requests are no documents that were read."""


def changing_operations() -> list[tuple[str, str]]:
    paths = [(path, operations) for path, operations in openapi()["paths"].items() if path not in OF_OWN_FORM]
    return [(method, path) for path, operations in paths for method in operations if method in ("put", "patch")]


@pytest.mark.parametrize(("method", "path"), changing_operations())
def test_each_field_of_a_response_is_a_field_of_the_request(method: str, path: str):
    document = openapi()

    def resolved(schema: dict) -> dict:
        if "anyOf" in schema:
            schema = next(choice for choice in schema["anyOf"] if choice.get("type") != "null")
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def compare(answer: dict, body: dict) -> None:
        answer, body = resolved(answer), resolved(body)
        if "properties" in answer:
            assert answer["properties"].keys() <= body["properties"].keys()
            for name, field in answer["properties"].items():
                compare(field, body["properties"][name])
        elif "items" in answer:
            compare(answer["items"], body["items"])

    operation = document["paths"][path][method]
    compare(
        operation["responses"]["200"]["content"]["application/json"]["schema"],
        operation["requestBody"]["content"]["application/json"]["schema"],
    )


def test_fields_that_only_the_service_sets_are_documented_as_read_only():
    fields = openapi()["components"]["schemas"]["WorkflowReplace"]["properties"]
    read_only = {name for name, field in fields.items() if field.get("readOnly")}
    assert {"id", "revision", "created_at", "updated_at", "steps", "warnings"} == changes.SET_BY_THE_SERVICE
    assert read_only == changes.SET_BY_THE_SERVICE
    assert not any("default" in fields[name] for name in read_only)
    fields = openapi()["components"]["schemas"]["TaskInList"]["properties"]
    read_only = {name for name, field in fields.items() if field.get("readOnly")}
    assert read_only == changes.SET_BY_THE_SERVICE_IN_TASKS
    assert SET_BY_THE_SERVICE > changes.SET_BY_THE_SERVICE | changes.SET_BY_THE_SERVICE_IN_TASKS


def test_what_is_stated_is_no_part_of_the_draft():
    given_fields = {"name": "n", "execution_type": "sync", "id": 3, "updated_at": "2026-01-01T02:03:04.000005+01:00"}
    body = TaskReplace.model_validate(given_fields)
    assert body.draft() == TaskDraft("n")
    assert body.stated() == Stated({"id": 3}, {"updated_at": datetime(2026, 1, 1, 1, 3, 4, 5, tzinfo=UTC)})
    assert TaskReplace.model_validate({"name": "n", "execution_type": "sync"}).stated() == NOTHING_STATED
    assert isinstance(TaskInList.model_validate(given_fields).draft(), ReturnedTask)
    assert type(TaskInList.model_validate({"name": "n", "execution_type": "sync"}).draft()) is TaskDraft
    patch = WorkflowPatch.model_validate({"revision": 4, "description": "d"})
    assert (patch.changes(), patch.stated()) == ({"description": "d"}, Stated({}, {"revision": 4}))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON, max_size=4)
SECONDS = st.floats(0.001, 1e6)
RETRIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    initial_interval_seconds=SECONDS,
    jitter=st.floats(0, 1),
    non_retryable_errors=st.lists(st.text(max_size=5), max_size=2).map(tuple),
)
NAMES = st.text(min_size=1, max_size=10)
TASKS = st.builds(
    TaskDraft,
    name=NAMES,
    execution_type=st.sampled_from(ExecutionType),
    description=st.none() | st.text(),
    sequence=st.integers(0, 9),
    type=st.none() | NAMES,
    config=OBJECTS,
    timeout_seconds=st.none() | SECONDS,
    retry=st.none() | RETRIES,
    depends_on=st.none() | st.lists(NAMES, max_size=2).map(tuple),
    compensate=st.lists(NAMES, max_size=2).map(tuple),
    when=st.none() | st.text(),
    max_concurrency=st.none() | st.integers(1, 9),
    output_schema=st.none() | OBJECTS,
)
CONDITIONS = st.builds(
    Condition,
    name=NAMES,
    source_task=NAMES,
    outcome=st.sampled_from(RouteOutcome),
    target_task_success=NAMES,
    target_task_failure=NAMES,
    description=st.none() | st.text(),
)
WORKFLOWS = st.builds(
    WorkflowDraft,
    name=NAMES,
    description=st.none() | st.text(),
    key=st.none() | NAMES,
    tasks=st.lists(TASKS, max_size=4, unique_by=lambda task: task.name).map(tuple),
    timeout_seconds=st.none() | SECONDS,
    variables=OBJECTS,
    input_schema=st.none() | OBJECTS,
    retention_days=st.none() | SECONDS,
    start_task=st.none() | NAMES,
    conditions=st.lists(CONDITIONS, max_size=2).map(tuple),
    max_visits=st.none() | st.integers(1, 9),
).map(lambda draft: first_revision(draft, 7, range(11, 11 + len(draft.tasks or ())), THEN))


@given(WORKFLOWS)
def test_a_document_that_is_sent_back_changes_nothing(stored: Workflow):
    document = orjson.loads(orjson.dumps(workflow_document(stored)))
    body = WorkflowReplace.model_validate(document)
    edit = edits.replaced(body.stated().checked(stored), body.draft())
    assert all(after is before for after, before in zip(edit.tasks, stored.tasks, strict=True))
    assert find_change(stored, edit, LATER) is None

    patch = WorkflowPatch.model_validate(document)
    assert find_change(stored, edits.merged(patch.stated().checked(stored), patch.changes()), LATER) is None
    for task in stored.tasks:
        single = TaskReplace.model_validate(next(item for item in document["tasks"] if item["id"] == task.id))
        wanted = edits.with_task_merged(stored, task.id, draft_fields(single.draft()))
        assert single.stated().checked(task) is task
        assert find_change(stored, wanted, LATER) is None
