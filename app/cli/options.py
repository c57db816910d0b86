"""Options and arguments that commands of several files take."""

from typing import Annotated

import typer

RestUrl = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_REST_URL",
        show_default="http://127.0.0.1:$FASTAPI_PORT",
        help="Where the REST API answers.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
WorkflowRef = Annotated[str, typer.Argument(metavar="KEY|ID", help="The workflow's key or id.")]
