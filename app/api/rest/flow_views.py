"""Flows and their runs as clients receive them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID
from app.api.rest.flow_bodies import EXAMPLE_FLOW
from app.api.rest.views import ConditionView, ErrorView, ExecutionStatusName, Page
from app.domain.definitions import Workflow
from app.domain.documents import condition_document
from app.domain.executions import Execution
from app.engine.watching.documents import error_document, json_fragment
from app.flows.runs import FlowRun

_FLOW = EXAMPLE_FLOW | {"description": None, "max_visits": None, "workflow_id": 7, "revision": 1}
_RUN: dict[str, Any] = {
    "flow_run_id": EXECUTION_ID,
    "flow_id": "flow123",
    "status": "completed",
    "executed_tasks": ["task1", "task2", "task3"],
    "final_output": {"stored": True},
    "error": None,
}


class FlowTaskView(BaseModel):
    name: str
    description: str | None


class FlowView(BaseModel):
    """A workflow with a `start_task`, in the form of a flow."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FLOW]})

    id: str = Field(description="The workflow's key, or its id if it has no key.")
    name: str
    description: str | None
    start_task: str
    tasks: list[FlowTaskView]
    conditions: list[ConditionView]
    max_visits: int | None
    workflow_id: int
    revision: int


class FlowPage(Page[FlowView]):
    """Ordered by the id of the workflow."""


class FlowRunView(BaseModel):
    """An execution of a flow."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RUN]})

    flow_run_id: str = Field(description="The execution's id.")
    flow_id: str
    status: ExecutionStatusName
    executed_tasks: list[str] = Field(description="In the order in which they ended, each as often as it ran.")
    final_output: Any = Field(description="The output of the last task that completed; null before the run has ended.")
    error: ErrorView | None


def flow_document(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": flow_id(workflow),
        "name": workflow.name,
        "description": workflow.description,
        "start_task": workflow.start_task,
        "tasks": [{"name": task.name, "description": task.description} for task in workflow.tasks],
        "conditions": [condition_document(condition) for condition in workflow.conditions],
        "max_visits": workflow.max_visits,
        "workflow_id": workflow.id,
        "revision": workflow.revision,
    }


def flow_id(workflow: Workflow) -> str:
    return workflow.key or str(workflow.id)


def flow_run_document(workflow: Workflow, execution: Execution, run: FlowRun) -> dict[str, Any]:
    output = run.output if execution.status.is_final else None
    return {
        "flow_run_id": str(execution.id),
        "flow_id": flow_id(workflow),
        "status": execution.status.value,
        "executed_tasks": run.executed,
        "final_output": json_fragment(output),
        "error": error_document(execution.failure),
    }
