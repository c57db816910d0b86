"""The request bodies of suggestions, and the draft that a patched document becomes."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from app.api.rest.body_model import Body, with_example
from app.api.rest.field_problems import field_problems
from app.api.rest.workflow_bodies import WorkflowReplace
from app.domain.definitions import WorkflowDraft
from app.domain.errors import Invalid, Problem
from app.domain.paths import from_top
from app.domain.refs import Ref, parse_ref
from app.insights.suggestions import MAX_BY, MAX_NOTES, MAX_RATIONALE, MAX_TITLE, SuggestionDraft

By = Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_BY})]
Text = Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_NOTES})]

EXAMPLE_PATCH = [
    {"op": "test", "path": "/tasks/0/id", "value": 12},
    {"op": "replace", "path": "/tasks/0/timeout_seconds", "value": 30},
]


class PatchOperation(Body):
    """One operation of a JSON Patch (RFC 6902)."""

    op: str = Field(description="`add`, `replace`, `remove` or `test`.", examples=["replace"])
    path: str = Field(description="A JSON Pointer into the workflow.", examples=["/tasks/0/timeout_seconds"])
    value: Any = None


class SuggestionBody(Body):
    """A suggestion of an external source."""

    model_config = with_example(
        {
            "workflow": "nightly-report",
            "task": "fetch",
            "rule": "shorter_timeout",
            "title": "Give up on the numbers after half a minute",
            "rationale": "The source never answers later than after 20 s.",
            "patch": EXAMPLE_PATCH,
        }
    )

    workflow: str = Field(description="The workflow's id or key.")
    task: str | None = Field(None, description="The name of the task; null if it is about the whole workflow.")
    rule: str = Field("external", description="What kind of suggestion it is; one of each kind can be open.")
    title: str = Field(json_schema_extra={"minLength": 1, "maxLength": MAX_TITLE, "pattern": r"\S"})
    rationale: str = Field("", json_schema_extra={"maxLength": MAX_RATIONALE})
    patch: list[PatchOperation] | None = Field(
        None, description="A JSON Patch (RFC 6902) of the workflow. Null for advice, which nothing applies."
    )
    prediction: dict[str, Any] = Field(default_factory=dict, description="What is expected of the change.")

    def ref(self, tenant_id: int) -> Ref:
        """Raise `NotFound`."""
        return parse_ref(self.workflow, tenant_id)

    def draft(self) -> SuggestionDraft:
        patch = None if self.patch is None else [one.model_dump(exclude_unset=True) for one in self.patch]
        return SuggestionDraft(self.title, self.rationale, self.rule, self.task, patch, self.prediction)


class Approval(Body):
    """Who approves."""

    model_config = with_example({"approved_by": "Ada", "notes": "as discussed"})

    approved_by: By = Field(None, description="A person's name. If omitted, it is the caller.")
    notes: Text = None


class Rejection(Body):
    """Who rejects, and why."""

    model_config = with_example({"rejected_by": "Ada", "reason": "the source must not be asked twice"})

    rejected_by: By = Field(None, description="A person's name. If omitted, it is the caller.")
    reason: Text = None


class Undoing(Body):
    """Who takes it back."""

    model_config = with_example({"undone_by": "Ada", "notes": "it has become slower"})

    undone_by: By = Field(None, description="A person's name. If omitted, it is the caller.")
    notes: Text = None


def draft_of_document(document: Mapping[str, Any]) -> WorkflowDraft:
    """The draft that a `PUT` of this document would make. Raise `Invalid`; paths are those of the document."""
    try:
        return WorkflowReplace.model_validate(dict(document)).draft()
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise Invalid(
            [Problem(from_top("patch"), f"{one.path} {one.message}") for one in field_problems(found)]
        ) from None
