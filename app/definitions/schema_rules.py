"""The rules of the JSON Schemas in a workflow."""

from collections.abc import Sequence

from app.contracts.json_schemas import problems_of_schema
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Problem


def schema_problems(draft: WorkflowDraft, tasks: Sequence[TaskDraft]) -> list[Problem]:
    """Every problem of `input_schema` and of each `output_schema`."""
    stated = [("input_schema", draft.input_schema)]
    stated += [(f"tasks[{index}].output_schema", task.output_schema) for index, task in enumerate(tasks)]
    return [problem for path, schema in stated if schema is not None for problem in problems_of_schema(schema, path)]
