"""Loads SQL statements by name: `-- name: get` in `queries/executions.sql` becomes `load("executions")["get"]`."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from app.adapters.database.tenancy import bound

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(topic: str) -> Mapping[str, str]:
    """The statements of one file. Raise `ValueError` when two have the same name."""
    text = (files(__package__) / "queries" / f"{topic}.sql").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Mapping[str, str]:
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"several statements have the same name: {', '.join(sorted(doubled))}")
    return {name: bound(body.strip().rstrip(";")) for name, body in zip(names, bodies, strict=True)}
