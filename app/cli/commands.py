"""The commands' names, options and help. Each body imports what it needs, so that `workflow --help` is fast."""

from typing import Annotated

import typer

from app.cli.audit_commands import audit
from app.cli.auth_commands import auth
from app.cli.control_commands import controls
from app.cli.database_commands import database_commands
from app.cli.definition_commands import definitions
from app.cli.errors import SentencesNotTracebacks
from app.cli.kafka_commands import kafka
from app.cli.machine_commands import machine
from app.cli.options import AsJson, ExecutionId, GrpcTarget, RestUrl, Utc, WorkflowRef
from app.cli.schedule_commands import schedule
from app.cli.suggestion_commands import suggestions
from app.domain.states import ExecutionStatus

app = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Describe multi-step work as data, run it durably, and watch every step.",
)
app.add_typer(controls)
app.add_typer(definitions)
app.add_typer(schedule, name="schedule")
app.add_typer(machine, name="machine")
app.add_typer(suggestions, name="suggestions")
app.add_typer(auth, name="auth")
app.add_typer(audit, name="audit")
app.add_typer(database_commands, name="database")
app.add_typer(kafka, name="kafka")


OWN = "only an embedded database"
MAX_SEQUENCE = 2**31 - 1
MAX_POSITION = 2**63 - 1
Port = Annotated[int | None, typer.Option(min=0, max=65535, metavar="PORT", show_default="from the environment")]


@app.command()
def up(
    database: Annotated[
        str | None, typer.Option(help="Replaces DATABASE_URL: a URL, `file:PATH` or `memory:`.")
    ] = None,
    fastapi_port: Port = None,
    grpc_port: Port = None,
    migrate: Annotated[
        bool | None,
        typer.Option("--migrate/--no-migrate", show_default=OWN, help="Bring the schema to that of this version."),
    ] = None,
    examples: Annotated[
        bool | None,
        typer.Option("--examples/--no-examples", show_default=OWN, help="Load the examples, each of them once."),
    ] = None,
) -> None:
    """Start the whole service on this machine: storage, the REST and the gRPC process.

    A server that DATABASE_URL names is migrated and gets examples only if you ask for that.
    """
    from app.cli.local.up import Wishes, run_up
    from app.cli.targets import override_environment, settings

    override_environment(DATABASE_URL=database, FASTAPI_PORT=fastapi_port, GRPC_PORT=grpc_port)
    run_up(settings(), Wishes(migrate, examples))


@app.command()
def run(  # noqa: PLR0913 - one for each option
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
    rest_url: RestUrl = None,
) -> None:
    """Start an execution and show its progress. Exits 0 if it completed, 1 if it failed or was cancelled."""
    from app.cli.running import Style, run_workflow
    from app.cli.starting import start_request
    from app.cli.targets import services

    request = start_request(workflow, input, parameters or [], idempotency_key)
    style = Style.of(quiet=quiet, as_json=as_json)
    raise typer.Exit(run_workflow(services(grpc_target, rest_url), request, style))


@app.command()
def watch(
    execution: ExecutionId,
    after: Annotated[
        int, typer.Option(min=0, max=MAX_SEQUENCE, metavar="N", help="Start after update N of the history.")
    ] = 0,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """Show an execution's progress, from its beginning or after any update, while it runs or after its end."""
    from app.cli.running import Style, watch_execution
    from app.cli.targets import services

    style = Style.of(as_json=as_json)
    raise typer.Exit(watch_execution(services(grpc_target, rest_url), execution, after, style))


@app.command("list")
def list_executions(
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only executions with this status.")] = None,
    workflow: Annotated[str | None, typer.Option(metavar="KEY|ID", help="Only executions of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 20,
    utc: Utc = False,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """List executions, newest first."""
    from app.cli.listing import list_newest
    from app.cli.screen.times import Times
    from app.cli.targets import services

    list_newest(services(grpc_target, rest_url), status, workflow, limit, Times(utc), as_json=as_json)


@app.command()
def show(execution: ExecutionId, utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """Show one execution: its tasks, the task that has started it, and its child executions."""
    from app.cli.screen.times import Times
    from app.cli.showing import show_execution
    from app.cli.targets import rest_base

    show_execution(rest_base(rest_url), execution, Times(utc), as_json=as_json)


@app.command()
def schedules(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the schedules."""
    from app.cli.scheduling import list_schedules
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_schedules(rest_base(rest_url), Times(utc), as_json=as_json)


@app.command()
def engines(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the engines, with those that have stopped in the last seven days."""
    from app.cli.engines import list_engines
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_engines(rest_base(rest_url), Times(utc), as_json=as_json)


@app.command()
def history(execution: ExecutionId, utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """Print every event of an execution, with its number."""
    from app.cli.listing import show_history
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    show_history(rest_base(rest_url), execution, Times(utc), as_json=as_json)


@app.command()
def events(  # noqa: PLR0913 - one for each option
    after: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_POSITION,
            metavar="P",
            show_default="the oldest that is kept; with --follow: now",
            help="Start after this position.",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is new, until Ctrl-C.")] = False,
    workflow: Annotated[str | None, typer.Option(metavar="KEY|ID", help="Only events of this workflow.")] = None,
    machine: Annotated[
        str | None, typer.Option(metavar="KEY|ID", help="Only events of entities of this machine.")
    ] = None,
    entity: Annotated[str | None, typer.Option(metavar="UUID", help="Only events of this entity.")] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only events of this type, as task_failed; can be repeated."),
    ] = None,
    utc: Utc = False,
    as_json: AsJson = False,
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """Print the events of all executions and entities, each with its position."""
    from app.api.grpc.generated import workflow_pb2 as pb
    from app.cli.reading_feed import follow_events, print_events
    from app.cli.screen.times import Times
    from app.cli.targets import services

    places, times = services(grpc_target, rest_url), Times(utc)
    wanted = pb.WatchEventsRequest(
        after_position=after,
        workflow_id=workflow or "",
        machine_id=machine or "",
        entity_id=entity or "",
        types=types,
        include_output=as_json,
    )
    if follow:
        raise typer.Exit(follow_events(places, wanted, times, as_json=as_json))
    print_events(places, wanted, times, as_json=as_json)


@app.command()
def check(
    execution: Annotated[
        str | None,
        typer.Argument(metavar="[EXECUTION]", show_default=False, help="Only this one; its id, or the end of it."),
    ] = None,
    database: Annotated[str | None, typer.Option(help="Replaces ENGINE_DATABASE_URL: a URL or `file:PATH`.")] = None,
    feed: Annotated[bool, typer.Option("--feed", help="Verify the feed, too: every event has one position.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify every history in the database. Exits 0 if all are correct, 1 if there are findings."""
    from app.cli.checking import check_database
    from app.cli.targets import checked_database, settings

    url = checked_database(database)
    raise typer.Exit(check_database(url, execution, settings().max_descendants, feed=feed, as_json=as_json))
