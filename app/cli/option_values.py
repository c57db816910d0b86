"""Values of options that are more than text or a number: lengths of time, instants, JSON."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.api.rest.files.json_documents import json_value as load_value
from app.api.rest.files.places import DocumentError
from app.cli.errors import CliError, reason_of
from app.domain.documents import rfc3339
from app.domain.errors import Invalid

_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds_of(option: str, text: str) -> float:
    """The length of time in seconds: `90`, `90s`, `5m`, `1h30m`, `2d`. Raise `CliError` for anything else."""
    parts, rest = _PART.findall(text), _PART.sub("", text)
    if not parts or rest or (len(parts) > 1 and any(not unit for _, unit in parts)):
        raise CliError(f"{option} {text!r}: give a length of time, as 90 (seconds), 90s, 5m, 2h, 1h30m or 1d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def instant_of(option: str, text: str) -> str:
    """The instant as RFC 3339, in UTC. Raise `CliError` for what is not a date and time with a time zone."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return str(rfc3339(instant.astimezone(UTC)))
        problem = "has no time zone"
    except (ValueError, OverflowError):
        problem = "is not a date and time"
    forms = "2026-01-31T02:00:00Z or 2026-01-31T02:00:00+01:00"
    raise CliError(f"{option} {text!r} {problem}; give one as {forms}")


def json_object(option: str, given: str) -> str:
    """The JSON object of an option as unchanged text, so that numbers keep all their digits. Raise `CliError`.

    `given` is the text, `@FILE`, or `@-` for stdin.
    """
    text = _text_of(option, given)
    if not isinstance(json_value(option, text), dict):
        raise CliError(f'{option} must be a JSON object, as \'{{"day": "monday"}}\'')
    return text


def json_value(option: str, text: str) -> Any:
    """The JSON value of an option. Raise `CliError` with the place of what is wrong, or cannot be stored."""
    try:
        return load_value(text)
    except DocumentError as error:
        place = "" if error.line is None else f" at line {error.line}, column {error.column}"
        raise CliError(f"{option} cannot be read{place}: {error.message}") from None
    except Invalid as invalid:
        problem = invalid.problems[0]
        raise CliError(f"{option}{problem.path}: {problem.message}") from None


def _text_of(option: str, given: str) -> str:
    if not given.startswith("@"):
        return given
    try:
        return sys.stdin.read() if given == "@-" else Path(given[1:]).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise CliError(f"{option} {given} cannot be read: {reason_of(error)}") from None
