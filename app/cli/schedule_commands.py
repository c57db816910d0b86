"""`workflow schedule …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, Utc, WorkflowRef

schedule = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    help="Start a workflow by the clock: create, show, pause, resume, delete.",
)


class OverlapChoice(StrEnum):
    """What happens if a start comes due while the previous execution is still running."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


ScheduleRef = Annotated[str, typer.Argument(metavar="KEY|ID", help="The schedule's key or id.", show_default=False)]


@schedule.command()
def create(  # noqa: PLR0913 - one for each option
    workflow: WorkflowRef,
    cron: Annotated[str | None, typer.Option(metavar="EXPRESSION", help="As '0 2 * * *'; in quotes.")] = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="The time zone of --cron, as Europe/Berlin.")] = "UTC",
    at: Annotated[str | None, typer.Option(metavar="INSTANT", help="Once, as 2026-01-31T02:00:00Z.")] = None,
    later: Annotated[str | None, typer.Option("--in", metavar="TIME", help="Once, after 90s, 5m, 2h or 1d.")] = None,
    key: Annotated[str | None, typer.Option(metavar="KEY", help="A name for the schedule.")] = None,
    input: Annotated[
        str | None, typer.Option("--input", "-i", metavar="JSON|@FILE", help="The input, a JSON object; @- is stdin.")
    ] = None,
    overlap: Annotated[
        OverlapChoice, typer.Option(help="What to do if the previous execution is still running.")
    ] = OverlapChoice.SKIP,
    catch_up: Annotated[
        str | None,
        typer.Option(metavar="TIME", show_default="1h", help="How late a missed start is still made up."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Confirm a --cron that matches every second.")] = False,
    utc: Utc = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Start a workflow repeatedly, or once at a later time."""
    from app.cli.option_values import seconds_of
    from app.cli.scheduling import confirmation, create_schedule, schedule_body
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    body = schedule_body(workflow, cron, time_zone, at, later) | confirmation(cron, yes=yes)
    seconds = None if catch_up is None else seconds_of("--catch-up", catch_up)
    options = {"key": key, "overlap": overlap.value, "catch_up_seconds": seconds}
    create_schedule(rest_base(rest_url), body | options, input, Times(utc), as_json=as_json)


@schedule.command()
def show(
    schedule: ScheduleRef,
    count: Annotated[int, typer.Option(min=0, max=100, metavar="N", help="How many start times to show.")] = 5,
    utc: Utc = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Show a schedule and its next start times."""
    from app.cli.scheduling import show_schedule
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    show_schedule(rest_base(rest_url), schedule, count, Times(utc), as_json=as_json)


@schedule.command()
def pause(schedule: ScheduleRef, rest_url: RestUrl = None) -> None:
    """Start nothing until the schedule is resumed."""
    from app.cli.scheduling import pause_schedule
    from app.cli.targets import rest_base

    pause_schedule(rest_base(rest_url), schedule)


@schedule.command()
def resume(schedule: ScheduleRef, utc: Utc = False, rest_url: RestUrl = None) -> None:
    """Continue with the next start. Starts that came due meanwhile are not made up."""
    from app.cli.scheduling import resume_schedule
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    resume_schedule(rest_base(rest_url), schedule, Times(utc))


@schedule.command()
def delete(schedule: ScheduleRef, rest_url: RestUrl = None) -> None:
    """Delete a schedule. Executions that it has started continue."""
    from app.cli.scheduling import delete_schedule
    from app.cli.targets import rest_base

    delete_schedule(rest_base(rest_url), schedule)
