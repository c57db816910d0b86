"""Options and arguments that are shared by commands of several modules."""

from typing import Annotated

import typer

RestUrl = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_REST_URL",
        show_default="http://127.0.0.1:$FASTAPI_PORT",
        help="The URL of the REST API.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
WorkflowRef = Annotated[str, typer.Argument(metavar="KEY|ID", help="The workflow's key or id.")]
