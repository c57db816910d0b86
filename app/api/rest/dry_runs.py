"""`/workflows/{workflow}/test`: simulates an execution, with outcomes that the caller provides."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.rest.body import JsonRoute
from app.api.rest.body_model import Body, with_example
from app.api.rest.dependencies import CallerOfRequest, DryRuns, WorkflowInPath
from app.api.rest.documentation import WITH_BODY, documented_errors
from app.api.rest.responses import document_response
from app.api.rest.views import ErrorView
from app.domain.executions import Failure
from app.domain.refs import parse_ref
from app.engine.dry_run import DryRun, DryStep, Mock
from app.engine.watching.documents import error_document, json_fragment

EXAMPLE_RUN: dict[str, Any] = {
    "status": "completed",
    "steps": [
        {
            "task": "fetch",
            "status": "completed",
            "config": {"url": "https://example.com/numbers?day=2026-01-31"},
            "output": {"rows": 3},
            "error": None,
        },
        {"task": "tell", "status": "skipped", "config": None, "output": None, "error": None},
    ],
    "output": {"fetch": {"rows": 3}},
    "error": None,
    "is_cut": False,
}

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=JsonRoute)


class MockError(Body):
    """Why the task fails. It is not retried."""

    code: str = Field(min_length=1, max_length=200)
    message: str = Field("", max_length=1_000)


class MockBody(Body):
    """The outcome of a task: its output, or an error."""

    output: Any = Field(None, description="Any JSON value; for a task with `for_each`, the list of all outputs.")
    error: MockError | None = Field(None, description="If given, the task fails.")

    def mock(self) -> Mock:
        failure = None if self.error is None else Failure(self.error.code, self.error.message)
        return Mock(self.output, failure)


class DryRunBody(Body):
    """The input and the outcomes of tasks. A task without an outcome returns null; a `transform` returns its result."""

    model_config = with_example({"input": {"day": "2026-01-31"}, "tasks": {"fetch": {"output": {"rows": 3}}}})

    input: dict[str, Any] = Field(default_factory=dict, description="The input of the execution.")
    tasks: dict[str, MockBody] = Field(default_factory=dict, description="By the tasks' names.")


class DryStepView(BaseModel):
    """One task, in the order in which tasks would run. Async tasks of a group are listed one after another."""

    task: str
    status: Literal["completed", "failed", "skipped"]
    config: Any = Field(description="The config that the task would receive, with `***` for secrets.")
    output: Any
    error: ErrorView | None


class DryRunView(BaseModel):
    """The path that an execution would take."""

    model_config = with_example(EXAMPLE_RUN)

    status: Literal["pending", "running", "completed", "failed"]
    steps: list[DryStepView]
    output: Any
    error: ErrorView | None
    is_cut: bool = Field(description="True when there would be more than a thousand steps.")


@router.post(
    "/{workflow}/test",
    summary="Try a workflow",
    response_model=DryRunView,
    responses=documented_errors(404, *WITH_BODY),
)
async def test_workflow(
    workflow: WorkflowInPath, body: DryRunBody, dry_runs: DryRuns, caller: CallerOfRequest
) -> Response:
    """Returns the path that an execution of the current revision would take. No task runs, and nothing is stored."""
    mocks = {name: mock.mock() for name, mock in body.tasks.items()}
    run = await dry_runs.run(caller, parse_ref(workflow, caller.tenant_id), body.input, mocks)
    return document_response(_document(run))


def _document(run: DryRun) -> dict[str, Any]:
    return {
        "status": run.status.value,
        "steps": [_step(step) for step in run.steps],
        "output": json_fragment(run.output),
        "error": error_document(run.failure),
        "is_cut": run.is_cut,
    }


def _step(step: DryStep) -> dict[str, Any]:
    return {
        "task": step.task,
        "status": step.status.value,
        "config": step.config,
        "output": json_fragment(step.output),
        "error": error_document(step.failure),
    }
