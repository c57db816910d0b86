"""Definition files with conditions: what is exported is what `apply` takes back without a change."""

import pytest

from app.api.rest.files.normalising import file_document
from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.drafts import applied
from app.definitions.changes import first_revision
from tests.support.histories import NOON

FLOW = {
    "name": "n",
    "key": "k",
    "start_task": "a",
    "conditions": [
        {"name": "on", "source_task": "a", "outcome": "success", "target_task_success": "b"},
        {"name": "back", "source_task": "b", "outcome": "failure", "target_task_success": "a", "description": "again"},
    ],
    "max_visits": 7,
    "tasks": [{"name": name, "execution_type": "sync"} for name in "ab"],
}


@pytest.mark.parametrize("document", [FLOW, {"name": "n", "key": "k", "tasks": FLOW["tasks"]}])
def test_what_is_exported_changes_nothing(document: dict) -> None:
    stored = first_revision(WorkflowCreate.model_validate(document).draft(), 1, (1, 2), NOON)
    exported = file_document(stored)
    assert ("conditions" in exported) is ("conditions" in document)
    assert applied(stored, WorkflowCreate.model_validate(exported).draft()) is stored
