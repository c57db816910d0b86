"""Running a flow: store its definition if it is new, start exactly that revision, report what has run."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from app.definitions.changes import find_change, workflow_fields
from app.definitions.edits import merged
from app.definitions.service import DefinitionService
from app.domain.callers import Caller
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.documents import workflow_from_document
from app.domain.errors import Conflict, Invalid, NotFound, Problem, RevisionMismatch, Unavailable
from app.domain.events import EventType
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.refs import Ref, key_problems
from app.engine.service import ExecutionService
from app.engine.starting import StartRequest

TRIES_WHEN_CHANGED = 5
EVENTS_AT_A_TIME = 1_000

_FIELDS = ("name", "description", "start_task", "conditions", "max_visits")
_RAN = frozenset({EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED})
_FUNCTION = re.compile(r"(tasks\[\d+\])\.config\b.*")


async def run_flow(
    caller: Caller,
    definitions: DefinitionService,
    executions: ExecutionService,
    draft: WorkflowDraft,
    input: Payload,
    idempotency_key: str | None,
) -> tuple[Workflow, Execution]:
    """Store the flow in the caller's tenant and start it. Raise `Invalid` with paths in `flow`, `Conflict` if the id is
    the key of a workflow that is not a flow.
    """
    if problems := key_problems(draft.key):
        raise Invalid(_in_words_of_flows(problems))
    for _ in range(TRIES_WHEN_CHANGED):
        try:
            workflow = await _stored(caller, definitions, draft)
            request = StartRequest(
                Ref(tenant_id=caller.tenant_id, id=workflow.id), input, idempotency_key, workflow.revision
            )
            return workflow, (await executions.start(caller, request)).execution
        except (RevisionMismatch, NotFound):
            continue
    raise Unavailable(f"flow {draft.key!r} keeps changing; run it again")


async def _stored(caller: Caller, definitions: DefinitionService, draft: WorkflowDraft) -> Workflow:
    """The stored workflow that equals `draft`. Raise `RevisionMismatch` if it was changed concurrently."""
    try:
        current = await read_flow(caller, definitions, Ref(tenant_id=caller.tenant_id, key=draft.key))
        if current is None:
            message = f"{draft.key!r} is the key of a workflow that has no `start_task`; choose another id"
            raise Conflict("flow.id", message)
        return await _changed(caller, definitions, current, draft)
    except Invalid as error:
        raise Invalid(_in_words_of_flows(error.problems)) from None
    except NotFound:
        return await _created(caller, definitions, draft)


async def _created(caller: Caller, definitions: DefinitionService, draft: WorkflowDraft) -> Workflow:
    try:
        return (await definitions.create(caller, draft)).workflow
    except Invalid as error:
        raise Invalid(_in_words_of_flows(error.problems)) from None
    except Conflict:
        raise RevisionMismatch(draft.key, 1) from None


async def _changed(caller: Caller, definitions: DefinitionService, current: Workflow, draft: WorkflowDraft) -> Workflow:
    """Change the stored workflow to `draft`; fields that a flow does not have, such as the retention, stay."""
    fields = workflow_fields(draft)
    changes = {name: fields[name] for name in _FIELDS} | {"tasks": draft.tasks}
    if find_change(current, merged(current, changes), current.updated_at) is None:
        return current
    ref = Ref(tenant_id=caller.tenant_id, id=current.id)
    return (await definitions.merge(caller, ref, changes, current.revision)).workflow


async def read_flow(caller: Caller, definitions: DefinitionService, ref: Ref) -> Workflow | None:
    """The workflow; None if it is not a flow. Raise `NotFound` if it does not exist."""
    workflow = workflow_from_document(orjson.loads((await definitions.document(caller, ref)).body))
    return None if workflow.start_task is None else workflow


async def read_flow_of(caller: Caller, definitions: DefinitionService, execution: Execution) -> Workflow:
    """The revision that the execution runs. Raise `NotFound` if it is not a flow."""
    ref = Ref(tenant_id=caller.tenant_id, id=execution.workflow_id)
    body = await definitions.revision_document(caller, ref, execution.revision)
    workflow = workflow_from_document(orjson.loads(body))
    if workflow.start_task is None:
        raise NotFound("flow_run", execution.id)
    return workflow


@dataclass(frozen=True, slots=True)
class FlowRun:
    """What an execution of a flow has done so far.

    executed: the names of the tasks in the order of their ends.
    output: the output of the last completion as JSON text; None if there is none.
    """

    executed: list[str]
    output: str | None


async def read_flow_run(caller: Caller, executions: ExecutionService, execution: Execution) -> FlowRun:
    executed, output, after, ended = list[str](), None, 0, False
    while not ended:
        page = await executions.updates(caller, execution.id, after, EVENTS_AT_A_TIME)
        for update in page.updates:
            after = update.event.sequence
            if update.event.type in _RAN:
                executed.append(update.task_name or "")
            if update.event.type is EventType.TASK_COMPLETED:
                output = update.output
        ended = page.ended or len(page.updates) < EVENTS_AT_A_TIME
    return FlowRun(executed, output)


def _in_words_of_flows(problems: Any) -> list[Problem]:
    """The problems with the paths of a flow, whose id is the key and whose task names are names of functions."""
    return [Problem(_path_in_flow(problem.path), problem.message) for problem in problems]


def _path_in_flow(path: str) -> str:
    if path == "key":
        return "flow.id"
    return "flow." + _FUNCTION.sub(r"\1.name", path) if path else "flow"
