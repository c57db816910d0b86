"""`workflow suggestions …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, Utc

suggestions = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    help="Improvements of workflows, computed from their executions: list, show, approve, reject, undo.",
)


class StatusChoice(StrEnum):
    """What has become of a suggestion."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNDONE = "undone"
    STALE = "stale"
    ALL = "all"


SuggestionId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The suggestion's id.", show_default=False)]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; else the owner of the key.")]


@suggestions.command(name="list")
def list_(
    workflow: Annotated[str | None, typer.Option(metavar="KEY|ID", help="Only those of this workflow.")] = None,
    status: Annotated[StatusChoice, typer.Option(help="Only those with this status.")] = StatusChoice.OPEN,
    rule: Annotated[str | None, typer.Option(metavar="RULE", help="Only those of this rule, as add_retries.")] = None,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """List suggestions, newest first."""
    from app.cli.suggesting import list_suggestions
    from app.cli.targets import rest_base

    wanted = None if status is StatusChoice.ALL else status.value
    filters = {"workflow_id": workflow, "status": wanted, "rule": rule}
    list_suggestions(rest_base(rest_url), filters, as_json=as_json)


@suggestions.command()
def show(
    suggestion: SuggestionId,
    evidence: Annotated[bool, typer.Option("--evidence", help="Compute it again from the histories.")] = False,
    utc: Utc = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Show a suggestion: what it changes, why, and what is expected of it."""
    from app.cli.screen.times import Times
    from app.cli.suggesting import show_suggestion
    from app.cli.targets import rest_base

    show_suggestion(rest_base(rest_url), suggestion, Times(utc), with_evidence=evidence, as_json=as_json)


@suggestions.command()
def approve(
    suggestion: SuggestionId,
    by: By = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the decision.")] = None,
    rest_url: RestUrl = None,
) -> None:
    """Apply the change of a suggestion to the current revision of its workflow."""
    from app.cli.suggesting import decide
    from app.cli.targets import rest_base

    decide(rest_base(rest_url), suggestion, "approve", {"approved_by": by, "notes": notes})


@suggestions.command()
def reject(
    suggestion: SuggestionId,
    by: By = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the decision.")] = None,
    rest_url: RestUrl = None,
) -> None:
    """Change nothing. The same is not suggested again for 30 days, unless its evidence doubles."""
    from app.cli.suggesting import decide
    from app.cli.targets import rest_base

    decide(rest_base(rest_url), suggestion, "reject", {"rejected_by": by, "reason": reason})


@suggestions.command()
def undo(
    suggestion: SuggestionId,
    by: By = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the decision.")] = None,
    rest_url: RestUrl = None,
) -> None:
    """Take back an approved suggestion, if nothing has changed its field since."""
    from app.cli.suggesting import decide
    from app.cli.targets import rest_base

    decide(rest_base(rest_url), suggestion, "undo", {"undone_by": by, "notes": notes})


@suggestions.command()
def compute(utc: Utc = False, rest_url: RestUrl = None) -> None:
    """Have the engines compute suggestions now. They do so every 6 hours anyway."""
    from app.cli.screen.times import Times
    from app.cli.suggesting import compute_suggestions
    from app.cli.targets import rest_base

    compute_suggestions(rest_base(rest_url), Times(utc))
