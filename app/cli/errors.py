"""How the command fails: a sentence on stderr and an exit code; no traceback for an expected error."""

from typing import Any

import typer
from typer.core import TyperGroup

from app.client.errors import ClientError

USAGE_OR_CONNECTION = 2
INTERRUPTED = 130

_REMEDIES = {
    "workflow_not_found": "; `workflow workflows` lists what there is",
    "schedule_not_found": "; `workflow schedules` lists what there is",
    "execution_not_found": "; `workflow list` lists what there is",
}


class CliError(Exception):
    """An expected failure. The message says what happened, to what, and what to do about it."""

    def __init__(self, message: str, exit_code: int = USAGE_OR_CONNECTION) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def explained(error: ClientError) -> str:
    """The error's message and, if one is known for its code, what to do about it."""
    return error.message + _REMEDIES.get(error.code, "")


class SentencesNotTracebacks(TyperGroup):
    """The command group. It turns expected errors and Ctrl-C into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CliError as error:
            _tell(f"error: {error.message}")
            raise typer.Exit(error.exit_code) from None
        except ClientError as error:
            _tell(f"error: {explained(error)}")
            raise typer.Exit(USAGE_OR_CONNECTION) from None
        except KeyboardInterrupt:
            _tell("interrupted")
            raise typer.Exit(INTERRUPTED) from None


def _tell(sentences: str) -> None:
    from app.cli.screen.console import failures

    for line in sentences.splitlines():
        failures().say(line)
