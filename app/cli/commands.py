"""The commands' names, options and help. Each body imports what it needs, so that `workflow --help` is fast."""

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
    """The execution statuses by which `list` can filter."""

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
        help="The address of the gRPC server.",
    ),
]
ExecutionId = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="The reason, recorded in the history.")]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Show its progress. Exits 0 if it completed, 1 if it did not.")
]
Port = Annotated[int | None, typer.Option(min=0, max=65535, show_default="from the environment")]


@app.command()
def up(
    database: Annotated[
        str | None, typer.Option(help="Replaces DATABASE_URL: a URL, `file:PATH` or `memory:`.")
    ] = None,
    fastapi_port: Port = None,
    grpc_port: Port = None,
    examples: Annotated[bool, typer.Option(help="Load the definitions in the folder examples/.")] = True,
) -> None:
    """Start the whole service on this machine: storage, migrations, the REST and the gRPC process."""
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
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="One string of the input.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key never starts a workflow twice.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the execution's id only.")] = False,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Start an execution and show its progress. Exits 0 if it completed, 1 if it failed or was cancelled."""
    from app.cli.running import Style, run_workflow
    from app.cli.starting import start_request
    from app.cli.targets import grpc_address

    request = start_request(workflow, input, parameters or [], idempotency_key)
    raise typer.Exit(run_workflow(grpc_address(grpc_target), request, Style.of(quiet=quiet, as_json=as_json)))


@app.command()
def watch(
    execution: ExecutionId,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Start after update N of the history.")] = 0,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Show an execution's progress, from its beginning or after any update, while it runs or after its end."""
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
    """Print every event of an execution, with its number."""
    from app.cli.listing import show_history
    from app.cli.targets import rest_base

    show_history(rest_base(rest_url), execution, as_json=as_json)


@app.command()
def cancel(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to stop. Repeating it has no further effect."""
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
    """Ask a paused execution to continue."""
    from app.cli.controlling import resume_execution
    from app.cli.targets import grpc_address

    resume_execution(grpc_address(grpc_target), execution, reason)


@app.command()
def signal(
    execution: ExecutionId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The signal's name.", show_default=False)],
    payload: Annotated[str, typer.Option(metavar="JSON", help="The output of the task that receives the signal.")] = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Send a signal to an execution, which keeps it until a task receives it."""
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
    """Ask an execution to continue as if a task had completed without an output."""
    from app.cli.controlling import skip_task
    from app.cli.targets import grpc_address

    skip_task(grpc_address(grpc_target), execution, task, reason)


@app.command()
def retry(execution: ExecutionId, watch: Watch = False, grpc_target: GrpcTarget = None) -> None:
    """Repeat a failed or cancelled execution in a new one, which reuses what completed."""
    from app.cli.controlling import retry_execution
    from app.cli.targets import grpc_address

    raise typer.Exit(retry_execution(grpc_address(grpc_target), execution, watch=watch))


@app.command()
def rerun(
    execution: ExecutionId,
    from_task: Annotated[str, typer.Option("--from", metavar="TASK", help="It and all tasks after it run again.")],
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key never repeats an execution twice.")
    ] = None,
    watch: Watch = False,
    grpc_target: GrpcTarget = None,
) -> None:
    """Repeat an ended execution from a task on, in a new one, which reuses what else completed."""
    from app.cli.controlling import rerun_execution
    from app.cli.targets import grpc_address

    target = grpc_address(grpc_target)
    raise typer.Exit(rerun_execution(target, execution, from_task, idempotency_key, watch=watch))


@app.command()
def check(
    execution: Annotated[
        str | None, typer.Argument(metavar="[EXECUTION]", help="Only this execution, by its id.", show_default=False)
    ] = None,
    database: Annotated[str | None, typer.Option(help="Replaces DATABASE_URL: a URL or `file:PATH`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify every history in the database. Exits 0 if all are correct, 1 if there are findings."""
    from app.cli.checking import check_database
    from app.cli.targets import override_environment, settings

    override_environment(DATABASE_URL=database)
    raise typer.Exit(check_database(settings().database_url, execution, as_json=as_json))
