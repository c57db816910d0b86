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
GrpcTarget = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_GRPC_TARGET",
        show_default="127.0.0.1:$GRPC_PORT",
        help="The address of the gRPC server.",
    ),
]
Utc = Annotated[bool, typer.Option("--utc", help="Show times in UTC instead of local time.")]
ExecutionId = Annotated[
    str, typer.Argument(metavar="EXECUTION", show_default=False, help="The execution's id, or its end or beginning.")
]
WorkflowRef = Annotated[str, typer.Argument(metavar="KEY|ID", help="The workflow's key or id.")]
