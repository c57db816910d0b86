"""`/workflows/validate`: checks a definition without storing it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter

from app.api.rest.body import WHOLE, JsonRoute, takes_bodies_of_curl, takes_yaml
from app.api.rest.dependencies import CallerOfRequest, Definitions, Strict
from app.api.rest.dialects.new_workflow import NewWorkflow, has_steps, in_words_of, words_of
from app.api.rest.documentation import WITH_BODY, documented_errors
from app.api.rest.field_problems import field_problems
from app.api.rest.files.file_texts import FileFormat, file_text
from app.api.rest.files.normalising import draft_document
from app.api.rest.files.places import Place
from app.api.rest.responses import document_response, problem_documents
from app.api.rest.views import VerdictView
from app.domain.definitions import WorkflowDraft
from app.domain.errors import Invalid, Problem

_BOOL = TypeAdapter(bool)

Places = Annotated[bool, Query(description="Say at which line and column of the body each problem is.")]
AsFile = Annotated[
    FileFormat | None, Query(description="Return the definition as a file, too: `file` is null if it cannot be read.")
]


class JudgingRoute(JsonRoute):
    """A route that returns the problems of its body as a document, with status 200, instead of refusing the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_judge(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                if any(item["loc"][0] != "body" for item in error.errors()):
                    raise
                return await verdict_response(request, field_problems(error.errors()))
            except Invalid as error:
                return await verdict_response(request, error.problems)

        return handle_or_judge


router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=JudgingRoute)


@router.post(
    "/validate", summary="Check a workflow", response_model=VerdictView, responses=documented_errors(*WITH_BODY)
)
@takes_bodies_of_curl(has_steps)
@takes_yaml
async def validate_workflow(
    request: Request,
    body: NewWorkflow,
    definitions: Definitions,
    caller: CallerOfRequest,
    strict: Strict = False,
    places: Places = False,  # read by `verdict_response`, which also answers when the body cannot be read
    file: AsFile = None,
) -> Response:
    """Returns all problems for which creating this workflow would be refused, and all warnings. Nothing is stored.

    It takes `tasks` or `steps`, as JSON or as YAML (`application/yaml`), and does not check whether the key belongs to
    another workflow.
    """
    with words_of(body):
        draft = body.draft()
        verdict = await definitions.judge(caller, draft, strict=strict)
    problems, warnings = in_words_of(body, verdict.problems), in_words_of(body, verdict.warnings)
    text = None if file is None else await asyncio.to_thread(_file, draft, file)  # to write YAML takes long
    return await verdict_response(request, problems, warnings, text)


def _file(draft: WorkflowDraft, format: FileFormat) -> str:
    return file_text(draft_document(draft), format)


async def verdict_response(
    request: Request, problems: Sequence[Problem], warnings: Sequence[Problem] = (), file: str | None = None
) -> Response:
    """What is wrong, as a document."""
    asks, sent = request.query_params, getattr(request.state, "sent", None)
    place = await asyncio.to_thread(sent.places) if sent is not None and _is_true(asks.get("places")) else None
    listed = {"problems": _documents(problems, place), "warnings": _documents(warnings, place)}
    shown = {"file": file} if "file" in asks else {}
    return document_response({"valid": not problems, **listed, **shown})


def _documents(problems: Sequence[Problem], place: Place | None) -> list[dict[str, Any]]:
    if place is None:
        return [*problem_documents(problems)]
    return [_with_place(document, place) for document in problem_documents(problems)]


def _with_place(document: Mapping[str, str], place: Place) -> dict[str, Any]:
    found = place.find("" if document["path"] == WHOLE else document["path"])
    return {**document, "line": found.line, "column": found.column}


def _is_true(text: str | None) -> bool:
    return text is not None and _BOOL.validate_python(text)
