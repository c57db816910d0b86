"""The commands' names, options and help. Each body imports what it needs, so that `workflow --help` stays instant."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.definition_commands import definitions
from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, WorkflowRef
from app.cli.schedule_commands import schedule

app = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Describe multi-step work as data, run it durably, and watch every step.",
)
app.add_typer(definitions)
app.add_typer(schedule, name="schedule")


class Status(StrEnum):
    """The execution statuses that `list` can ask for."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


GrpcTarget = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_GRPC_TARGET",
        show_default="127.0.0.1:$GRPC_PORT",
        help="Where the gRPC server answers.",
    ),
]
ExecutionId = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history.")]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Draw its progress. Exits 0 when it completed, 1 when it did not.")
]
Port = Annotated[int | None, typer.Option(min=0, max=65535, show_default="from the environment")]


@app.command()
def up(
    database: Annotated[
        str | None, typer.Option(help="Instead of DATABASE_URL: a URL, `file:PATH` or `memory:`.")
    ] = None,
    fastapi_port: Port = None,
    grpc_port: Port = None,
    examples: Annotated[bool, typer.Option(help="Load the definitions of the checkout's examples folder.")] = True,
) -> None:
    """Start the whole service here: storage, migrations, the REST and the gRPC process."""
    from app.cli.local.examples import load_examples
    from app.cli.local.up import run_up
    from app.cli.targets import override_environment, settings

    override_environment(DATABASE_URL=database, FASTAPI_PORT=fastapi_port, GRPC_PORT=grpc_port)
    run_up(settings(), load_examples if examples else None)


@app.command()
def run(
    workflow: WorkflowRef,
    input: Annotated[
        str | None, typer.Option("--input", "-i", metavar="JSON|@FILE", help="The input, a JSON object; @- is stdin.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="One text of the input.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key for the same workflow never starts twice.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the execution's id only.")] = False,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Start an execution and draw its progress. Exits 0 when it completed, 1 when it failed or was cancelled."""
    from app.cli.running import Style, run_workflow
    from app.cli.starting import start_request
    from app.cli.targets import grpc_address

    request = start_request(workflow, input, parameters or [], idempotency_key)
    raise typer.Exit(run_workflow(grpc_address(grpc_target), request, Style.of(quiet=quiet, as_json=as_json)))


@app.command()
def watch(
    execution: ExecutionId,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Begin after this number of the history.")] = 0,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Draw an execution's progress, from its beginning or from any number, during the execution or after it."""
    from app.cli.running import Style, watch_execution
    from app.cli.targets import grpc_address

    raise typer.Exit(watch_execution(grpc_address(grpc_target), execution, after, Style.of(as_json=as_json)))


@app.command("list")
def list_executions(
    status: Annotated[Status | None, typer.Option(help="Only executions with this status.")] = None,
    workflow: Annotated[str | None, typer.Option(metavar="KEY|ID", help="Only executions of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 20,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """List executions, newest first."""
    from app.cli.listing import list_newest
    from app.cli.targets import grpc_address

    list_newest(grpc_address(grpc_target), status, workflow, limit, as_json=as_json)


@app.command()
def schedules(as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the schedules."""
    from app.cli.scheduling import list_schedules
    from app.cli.targets import rest_base

    list_schedules(rest_base(rest_url), as_json=as_json)


@app.command()
def history(execution: ExecutionId, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """Show everything that happened in an execution, numbered."""
    from app.cli.listing import show_history
    from app.cli.targets import rest_base

    show_history(rest_base(rest_url), execution, as_json=as_json)


@app.command()
def cancel(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to stop; harmless when repeated."""
    from app.cli.controlling import cancel_execution
    from app.cli.targets import grpc_address

    cancel_execution(grpc_address(grpc_target), execution, reason)


@app.command()
def pause(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to start nothing more until it is resumed."""
    from app.cli.controlling import pause_execution
    from app.cli.targets import grpc_address

    pause_execution(grpc_address(grpc_target), execution, reason)


@app.command()
def resume(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask a paused execution to go on."""
    from app.cli.controlling import resume_execution
    from app.cli.targets import grpc_address

    resume_execution(grpc_address(grpc_target), execution, reason)


@app.command()
def signal(
    execution: ExecutionId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the task waits for.", show_default=False)],
    payload: Annotated[str, typer.Option(metavar="JSON", help="Becomes the output of the task that takes it.")] = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Send an execution a signal; it is kept until a task takes it."""
    from app.cli.controlling import send_signal
    from app.cli.targets import grpc_address

    send_signal(grpc_address(grpc_target), execution, name, payload)


@app.command()
def skip(
    execution: ExecutionId,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.", show_default=False)],
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to go on as if a task had completed without an output."""
    from app.cli.controlling import skip_task
    from app.cli.targets import grpc_address

    skip_task(grpc_address(grpc_target), execution, task, reason)


@app.command()
def retry(execution: ExecutionId, watch: Watch = False, grpc_target: GrpcTarget = None) -> None:
    """Repeat a failed or cancelled execution in a new one that takes over what completed."""
    from app.cli.controlling import retry_execution
    from app.cli.targets import grpc_address

    raise typer.Exit(retry_execution(grpc_address(grpc_target), execution, watch=watch))


@app.command()
def rerun(
    execution: ExecutionId,
    from_task: Annotated[str, typer.Option("--from", metavar="TASK", help="It and all behind it run again.")],
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key for the same execution never starts twice.")
    ] = None,
    watch: Watch = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Repeat an ended execution from a task on, in a new one that takes over what else completed."""
    from app.cli.controlling import rerun_execution
    from app.cli.targets import grpc_address

    target = grpc_address(grpc_target)
    raise typer.Exit(rerun_execution(target, execution, from_task, idempotency_key, watch=watch))


@app.command()
def check(
    execution: Annotated[
        str | None, typer.Argument(metavar="[EXECUTION]", help="Only this execution, by its id.", show_default=False)
    ] = None,
    database: Annotated[str | None, typer.Option(help="Instead of DATABASE_URL: a URL or `file:PATH`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that every history in the database is whole. Exits 0 when nothing is wrong, 1 when something is."""
    from app.cli.checking import check_database
    from app.cli.targets import override_environment, settings

    override_environment(DATABASE_URL=database)
    raise typer.Exit(check_database(settings().database_url, execution, as_json=as_json))
