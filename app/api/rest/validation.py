"""`/workflows/validate`: checks a definition without storing it."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError

from app.api.rest.body import JsonRoute, takes_bodies_of_curl
from app.api.rest.dependencies import CallerOfRequest, Definitions, Strict
from app.api.rest.dialects.new_workflow import NewWorkflow, has_steps, in_words_of, words_of
from app.api.rest.documentation import WITH_BODY, documented_errors
from app.api.rest.field_problems import field_problems
from app.api.rest.responses import document_response, problem_documents
from app.api.rest.views import VerdictView
from app.domain.errors import Invalid, Problem


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
                return verdict_response(field_problems(error.errors()))
            except Invalid as error:
                return verdict_response(error.problems)

        return handle_or_judge


router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=JudgingRoute)


@router.post(
    "/validate", summary="Check a workflow", response_model=VerdictView, responses=documented_errors(*WITH_BODY)
)
@takes_bodies_of_curl(has_steps)
async def validate_workflow(
    body: NewWorkflow, definitions: Definitions, caller: CallerOfRequest, strict: Strict = False
) -> Response:
    """Returns all problems for which creating this workflow would be refused, and all warnings. Nothing is stored.

    It takes `tasks` or `steps`, and does not check whether the key belongs to another workflow.
    """
    with words_of(body):
        verdict = await definitions.judge(caller, body.draft(), strict=strict)
    return verdict_response(in_words_of(body, verdict.problems), in_words_of(body, verdict.warnings))


def verdict_response(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> Response:
    """What is wrong, as a document."""
    listed = problem_documents(problems)
    return document_response({"valid": not problems, "problems": listed, "warnings": problem_documents(warnings)})
