"""How the command fails: a sentence on stderr and an exit code; no traceback for an expected error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from app.client.errors import ClientError

USAGE_OR_CONNECTION = 2
INTERRUPTED = 130

_REMEDIES = {
    "workflow_not_found": "; `workflow workflows` lists what there is",
    "schedule_not_found": "; `workflow schedules` lists what there is",
    "workflow_in_use": "; delete it all the same with --force",
    "credentials_missing": "; set WORKFLOW_API_KEY; `workflow auth bootstrap` makes the first key",
    "credentials_invalid": "; check WORKFLOW_API_KEY",
    "credentials_expired": "; set WORKFLOW_API_KEY to another one",
    "rate_limited": "; an admin can make a key with another limit: `workflow auth keys create --per-minute N`",
    "permission_denied": "; set WORKFLOW_API_KEY to a key that allows it",
    "execution_not_found": "; `workflow list` lists what there is",
}


class CliError(Exception):
    """An expected failure. The message says what happened, to what, and what to do about it."""

    def __init__(self, message: str, exit_code: int = USAGE_OR_CONNECTION) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def reason_of(error: Exception) -> str:
    """The operating system's reason for a file error, without its number and path."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def explained(error: ClientError) -> str:
    """The error's message and, if one is known for its code, what to do about it."""
    return error.message + _REMEDIES.get(error.code, "")


class SentencesNotTracebacks(TyperGroup):
    """A group of commands. It turns expected errors, wrong usage and Ctrl-C into a sentence and an exit code."""

    def make_context(self, *given: Any, **options: Any) -> Any:
        with _sentences():
            return super().make_context(*given, **options)

    def invoke(self, ctx: Any) -> Any:
        with _sentences():
            return super().invoke(ctx)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except CliError as error:
        _tell(f"error: {error.message}")
        raise typer.Exit(error.exit_code) from None
    except ClientError as error:
        _tell(f"error: {explained(error)}")
        raise typer.Exit(USAGE_OR_CONNECTION) from None
    except UnicodeEncodeError as error:
        _tell(f"error: {error.object!r} is not UTF-8 text")
        raise typer.Exit(USAGE_OR_CONNECTION) from None
    except TyperException as error:
        _tell_usage(error)
        raise typer.Exit(USAGE_OR_CONNECTION) from None
    except KeyboardInterrupt:
        _tell("interrupted")
        raise typer.Exit(INTERRUPTED) from None


def _tell_usage(error: TyperException) -> None:
    """A group without a command raises an error too; its help is its message, or is printed already."""
    from app.cli.usage import usage_sentence

    is_help = not isinstance(error, typer.BadParameter) and (not error.message or "\n" in error.message)
    _tell(error.message if is_help else f"error: {usage_sentence(error)}")


def _tell(sentences: str) -> None:
    from app.cli.screen.console import failures

    for line in sentences.splitlines():
        failures().say(line)
