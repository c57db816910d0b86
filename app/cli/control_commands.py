"""The commands that control an execution: names, options and help. Each body imports what it needs."""

from typing import Annotated

import typer

from app.cli.options import ExecutionId, GrpcTarget, RestUrl

controls = typer.Typer()

Reason = Annotated[str, typer.Option(metavar="TEXT", help="The reason, recorded in the history.")]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Show its progress. Exits 0 if it completed, 1 if it did not.")
]


Revision = Annotated[
    str, typer.Option(metavar="N|latest", show_default="that of the execution", help="The workflow's revision to run.")
]


@controls.command()
def cancel(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to stop. Repeating it has no further effect."""
    from app.cli.controlling import cancel_execution
    from app.cli.targets import grpc_address

    cancel_execution(grpc_address(grpc_target), execution, reason)


@controls.command()
def pause(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask an execution to start nothing more until it is resumed."""
    from app.cli.controlling import pause_execution
    from app.cli.targets import grpc_address

    pause_execution(grpc_address(grpc_target), execution, reason)


@controls.command()
def resume(
    execution: ExecutionId,
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
) -> None:
    """Ask a paused execution to continue."""
    from app.cli.controlling import resume_execution
    from app.cli.targets import grpc_address

    resume_execution(grpc_address(grpc_target), execution, reason)


@controls.command()
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


@controls.command()
def skip(
    execution: ExecutionId,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.", show_default=False)],
    reason: Reason = "",
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """Ask an execution to continue as if a task had completed without an output."""
    from app.cli.controlling import skip_task
    from app.cli.targets import services

    skip_task(services(grpc_target, rest_url), execution, task, reason)


@controls.command()
def retry(
    execution: ExecutionId,
    revision: Revision = "",
    watch: Watch = False,
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """Repeat a failed or cancelled execution in a new one, which reuses what completed."""
    from app.cli.controlling import retry_execution
    from app.cli.targets import services

    raise typer.Exit(retry_execution(services(grpc_target, rest_url), execution, revision, watch=watch))


@controls.command()
def rerun(
    execution: ExecutionId,
    from_task: Annotated[str, typer.Option("--from", metavar="TASK", help="It and all tasks after it run again.")],
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key never repeats an execution twice.")
    ] = None,
    revision: Revision = "",
    watch: Watch = False,
    grpc_target: GrpcTarget = None,
    rest_url: RestUrl = None,
) -> None:
    """Repeat an ended execution from a task on, in a new one, which reuses what else completed."""
    from app.cli.controlling import rerun_execution
    from app.cli.targets import services

    where = services(grpc_target, rest_url)
    raise typer.Exit(rerun_execution(where, execution, from_task, idempotency_key, revision, watch=watch))
