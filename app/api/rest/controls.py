"""`/executions/{execution}/…`: control an execution that runs, repeat one that has ended."""

from fastapi import APIRouter, Response

from app.api.rest.body import JsonRoute
from app.api.rest.control_bodies import ReasonBody, RerunBody, RetryBody, SignalBody, SkipBody
from app.api.rest.dependencies import Changer, Controls, ExecutionId, ReadyServices
from app.api.rest.documentation import LOCATION, WITH_BODY, Responses, documented_errors
from app.api.rest.execution_documents import execution_document
from app.api.rest.responses import PREFIX, document_response
from app.api.rest.views import ExecutionView, RepetitionView
from app.engine.repetitions import Repetition

router = APIRouter(tags=["executions"], route_class=JsonRoute)


def _repetition(*statuses: int) -> Responses:
    return {
        200: {
            "model": RepetitionView,
            "description": "An earlier call has started this execution.",
            "headers": LOCATION,
        },
        201: {"headers": LOCATION},
        **documented_errors(429, *statuses),
    }


@router.post(
    "/executions/{execution}/cancel",
    status_code=202,
    summary="Cancel an execution",
    response_model=ExecutionView,
    response_description="The execution will stop.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def cancel_execution(
    execution: ExecutionId, controls: Controls, caller: Changer, body: ReasonBody | None = None
) -> Response:
    """Requests that the execution stops. No effect when repeated. 409 if the execution completed or failed."""
    cancelled = await controls.cancel(caller, execution, (body or ReasonBody()).reason)
    return document_response(execution_document(cancelled), 202)


@router.post(
    "/executions/{execution}/pause",
    status_code=202,
    summary="Pause an execution",
    response_model=ExecutionView,
    response_description="The execution will start nothing more.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def pause_execution(
    execution: ExecutionId, controls: Controls, caller: Changer, body: ReasonBody | None = None
) -> Response:
    """Running attempts may end; no more are started until the execution is resumed. 409 if it has ended."""
    paused = await controls.pause(caller, execution, (body or ReasonBody()).reason)
    return document_response(execution_document(paused), 202)


@router.post(
    "/executions/{execution}/resume",
    status_code=202,
    summary="Resume an execution",
    response_model=ExecutionView,
    response_description="The execution will continue.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def resume_execution(
    execution: ExecutionId, controls: Controls, caller: Changer, body: ReasonBody | None = None
) -> Response:
    """Continues a paused execution. No effect if it is not paused. 409 if it has ended."""
    resumed = await controls.resume(caller, execution, (body or ReasonBody()).reason)
    return document_response(execution_document(resumed), 202)


@router.post(
    "/executions/{execution}/signal",
    status_code=202,
    summary="Send a signal",
    response_model=ExecutionView,
    response_description="The signal is stored; the task that waits for it, now or later, will receive it.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def signal_execution(
    execution: ExecutionId, services: ReadyServices, caller: Changer, body: SignalBody
) -> Response:
    """Each call sends another signal. 409 if the execution has ended."""
    payload = services.payloads.from_value(body.payload, "payload")
    signalled = await services.controls.signal(caller, execution, body.name, payload)
    return document_response(execution_document(signalled), 202)


@router.post(
    "/executions/{execution}/skip",
    status_code=202,
    summary="Skip a task",
    response_model=ExecutionView,
    response_description="The task will count as completed.",
    responses=documented_errors(404, 409, *WITH_BODY),
)
async def skip_task(execution: ExecutionId, controls: Controls, caller: Changer, body: SkipBody) -> Response:
    """The execution continues as if the task had completed with the output null; a running attempt is stopped first.

    No effect when repeated. 409 if the task has ended in another way, or the execution has ended.
    """
    skipping = await controls.skip(caller, execution, body.task, body.reason)
    return document_response(execution_document(skipping), 202)


@router.post(
    "/executions/{execution}/retry",
    status_code=201,
    summary="Retry an execution",
    response_model=RepetitionView,
    response_description="A new execution is accepted and will be run.",
    responses=_repetition(404, 409, *WITH_BODY),
)
async def retry_execution(
    execution: ExecutionId, controls: Controls, caller: Changer, body: RetryBody | None = None
) -> Response:
    """Starts a new execution with the same input, which reuses what completed and runs everything else.

    The execution must have failed or been cancelled. A repeated call with the same revision returns the execution that
    the first one started. 422 if what completed cannot be reused on the revision that the body names.
    """
    return _started(await controls.retry(caller, execution, (body or RetryBody()).revision))


@router.post(
    "/executions/{execution}/rerun",
    status_code=201,
    summary="Rerun an execution from a task on",
    response_model=RepetitionView,
    response_description="A new execution is accepted and will be run.",
    responses=_repetition(404, 409, *WITH_BODY),
)
async def rerun_execution(execution: ExecutionId, controls: Controls, caller: Changer, body: RerunBody) -> Response:
    """Starts a new execution with the same input, which runs the task and all tasks after it again.

    It reuses everything else that completed. The execution must have ended. A repeated call with the same
    `idempotency_key` returns the execution that the first one started. 422 if what completed cannot be reused on the
    revision that the body names.
    """
    return _started(await controls.rerun(caller, execution, body.from_task, body.idempotency_key, body.revision))


def _started(started: Repetition) -> Response:
    document = execution_document(started.execution) | {"latest_revision": started.latest_revision}
    headers = {"Location": f"{PREFIX}/executions/{started.execution.id}"}
    return document_response(document, 200 if started.already_started else 201, headers)
