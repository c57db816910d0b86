"""The body that creates a workflow: with its tasks, or with steps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from app.api.rest.dialects.steps import SteppedWorkflow, in_words_of_steps
from app.api.rest.workflow_bodies import WorkflowCreate
from app.domain.errors import Conflict, Invalid, Problem

TASKS_FORM, STEPS_FORM = "<with tasks>", "<with steps>"


def has_steps(body: Any) -> bool:
    """Whether a JSON value is a workflow that is described as steps."""
    return isinstance(body, dict) and "steps" in body


def _form(body: Any) -> str:
    return STEPS_FORM if has_steps(body) or isinstance(body, SteppedWorkflow) else TASKS_FORM


NewWorkflow = Annotated[
    Annotated[WorkflowCreate, Tag(TASKS_FORM)] | Annotated[SteppedWorkflow, Tag(STEPS_FORM)], Discriminator(_form)
]


def in_words_of(body: WorkflowCreate | SteppedWorkflow, problems: Sequence[Problem]) -> Sequence[Problem]:
    """Problems of the definition with the names of fields that the body has."""
    return in_words_of_steps(problems) if _form(body) == STEPS_FORM else problems


@contextmanager
def words_of(body: WorkflowCreate | SteppedWorkflow) -> Iterator[None]:
    """Give problems of the definition the names of fields that the body has."""
    try:
        yield
    except Invalid as error:
        raise Invalid(in_words_of(body, error.problems)) from None
    except Conflict as error:
        if _form(body) != STEPS_FORM or error.field != "key":
            raise
        raise Conflict("id", error.message.replace("this key", "this id")) from None
