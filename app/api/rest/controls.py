"""`/executions/{execution}/…`: what can be asked of an execution that runs, and of one that has ended."""

from fastapi import APIRouter, Response

from app.api.rest.body import JsonRoute
from app.api.rest.control_bodies import ReasonBody, RerunBody, SignalBody, SkipBody
from app.api.rest.dependencies import Controls, ExecutionId, ReadyServices
from app.api.rest.documentation import LOCATION, WITH_BODY, Responses, documented_errors
from app.api.rest.execution_documents import execution_document
from app.api.rest.responses import PREFIX, document_response
from app.api.rest.views import ExecutionView
from app.engine.starting import Started

router = APIRouter(tags=["executions"], route_class=JsonRoute)


def _repetition(*statuses: int) -> Responses:
    return {
        200: {
            "model": ExecutionView,
            "description": "An earlier call has started this execution.",
            "headers": LOCATION,
        },
        201: {"headers": LOCATION},
        **documented_errors(*statuses),
    }


@router.post(
    "/executions/{execution}/cancel",
    status_code=202,
    summary="Cancel an execution",
    response_model=ExecutionView,
    response_description="The execution will stop.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def cancel_execution(execution: ExecutionId, controls: Controls, body: ReasonBody | None = None) -> Response:
    """Asks the execution to stop; harmless when repeated. One that completed or failed is a 409."""
    cancelled = await controls.cancel(execution, (body or ReasonBody()).reason)
    return document_response(execution_document(cancelled), 202)


@router.post(
    "/executions/{execution}/pause",
    status_code=202,
    summary="Pause an execution",
    response_model=ExecutionView,
    response_description="The execution will start nothing more.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def pause_execution(execution: ExecutionId, controls: Controls, body: ReasonBody | None = None) -> Response:
    """What runs may end; nothing more is started until it is resumed. One that has ended is a 409."""
    paused = await controls.pause(execution, (body or ReasonBody()).reason)
    return document_response(execution_document(paused), 202)


@router.post(
    "/executions/{execution}/resume",
    status_code=202,
    summary="Resume an execution",
    response_model=ExecutionView,
    response_description="The execution will go on.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def resume_execution(execution: ExecutionId, controls: Controls, body: ReasonBody | None = None) -> Response:
    """Harmless when it is not paused. One that has ended is a 409."""
    resumed = await controls.resume(execution, (body or ReasonBody()).reason)
    return document_response(execution_document(resumed), 202)


@router.post(
    "/executions/{execution}/signal",
    status_code=202,
    summary="Send a signal",
    response_model=ExecutionView,
    response_description="The signal is stored and will be taken by the task that waits for it, now or later.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def signal_execution(execution: ExecutionId, services: ReadyServices, body: SignalBody) -> Response:
    """Every call is a signal of its own. One that has ended is a 409."""
    payload = services.payloads.from_value(body.payload, "payload")
    signalled = await services.controls.signal(execution, body.name, payload)
    return document_response(execution_document(signalled), 202)


@router.post(
    "/executions/{execution}/skip",
    status_code=202,
    summary="Skip a task",
    response_model=ExecutionView,
    response_description="The task will count as done.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def skip_task(execution: ExecutionId, controls: Controls, body: SkipBody) -> Response:
    """The execution goes on as if the task had completed with the output null; an attempt that runs is stopped first.

    Harmless when repeated. A task, or an execution, that has ended otherwise is a 409.
    """
    skipping = await controls.skip(execution, body.task, body.reason)
    return document_response(execution_document(skipping), 202)


@router.post(
    "/executions/{execution}/retry",
    status_code=201,
    summary="Retry an execution",
    response_model=ExecutionView,
    response_description="A new execution is accepted and will be run.",
    responses=_repetition(404, 409),
)
async def retry_execution(execution: ExecutionId, controls: Controls) -> Response:
    """Starts a new execution of the same revision and input, which takes over what completed here and runs the rest.

    For one that failed or was cancelled. A repeated call answers the execution that the first one started.
    """
    return _started(await controls.retry(execution))


@router.post(
    "/executions/{execution}/rerun",
    status_code=201,
    summary="Rerun an execution from a task on",
    response_model=ExecutionView,
    response_description="A new execution is accepted and will be run.",
    responses=_repetition(404, 409, *WITH_BODY),
)
async def rerun_execution(execution: ExecutionId, controls: Controls, body: RerunBody) -> Response:
    """Starts a new execution of the same revision and input that runs the task and all tasks behind it again.

    It takes over what else completed. For any execution that has ended. A repeated call with the same
    `idempotency_key` answers the execution that the first one started.
    """
    return _started(await controls.rerun(execution, body.from_task, body.idempotency_key))


def _started(started: Started) -> Response:
    headers = {"Location": f"{PREFIX}/executions/{started.execution.id}"}
    return document_response(execution_document(started.execution), 200 if started.already_started else 201, headers)
