"""Checks steps that a caller sends back with a change, because it has read them."""

import orjson

from app.api.rest.dialects.shown_steps import steps_of
from app.api.rest.workflow_bodies import WorkflowReadOnly
from app.definitions.service import DefinitionService
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.domain.refs import Ref


async def check_steps(body: WorkflowReadOnly, definitions: DefinitionService, caller: Caller, ref: Ref) -> None:
    """Raise `Invalid` unless the steps are those of the stored workflow.

    Steps that belong to another revision than the current one pass: the change itself refuses that revision.
    """
    if "steps" not in body.model_fields_set:
        return
    document = await definitions.document(caller, ref)
    if body.revision not in (None, document.revision):
        return
    if [step.model_dump() for step in body.steps] != steps_of(orjson.loads(document.body)):
        raise Invalid.at("steps", "says what `tasks` says and cannot be changed by itself; change `tasks`")
