"""The shipped definitions: each is a valid body of POST /workflows."""

from pathlib import Path

import orjson
import pytest

from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.definition_files import read_definitions
from app.definitions.rules import Rules
from app.domain.definitions import ExecutionType, WorkflowDraft
from app.tasks import TaskOptions, build_registry

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted(EXAMPLES.glob("*/workflow.yaml"))
MODULES = tuple(f"examples.{file.parent.name}.functions" for file in sorted(EXAMPLES.glob("*/functions.py")))


def draft_of(file: Path) -> WorkflowDraft:
    (definition,) = read_definitions([file])
    return WorkflowCreate.model_validate_json(orjson.dumps(definition.document)).draft()


ONE_BY_ONE = ("order_flow", "price_item", "sample_flow")
"""Those that show something else than tasks side by side."""


def test_there_are_those_that_the_readme_names():
    keys = [draft_of(file).key for file in FILES]
    assert keys == [
        "flaky-import",
        "order-flow",
        "parallel-groups",
        "price-item",
        "sales-report",
        "sample-flow",
        "self-check",
    ]
    table = (EXAMPLES / "README.md").read_text()
    assert all(f"`{key}`" in table for key in keys)
    assert f"PYTHON_MODULES={','.join(MODULES)}" in table


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
async def test_each_is_valid(file):
    draft = draft_of(file)
    registry = build_registry(TaskOptions(python_modules=MODULES))
    Rules(registry, max_tasks=100).check_new(draft, tenant="default")
    await registry.close()


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.parent.name not in ONE_BY_ONE], ids=lambda file: file.parent.name
)
def test_each_has_tasks_that_run_side_by_side(file):
    asynchronous = [task.sequence for task in draft_of(file).tasks or () if task.execution_type is ExecutionType.ASYNC]
    assert any(asynchronous.count(sequence) >= 3 for sequence in asynchronous)
