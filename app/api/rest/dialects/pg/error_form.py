"""The form of all errors of this dialect: `{code, details, hint, message}`, with the statuses of the rest of the API.

The code is that of PostgREST or PostgreSQL where they have one for the case, otherwise that of this API.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import Problem
from app.machines.listed import RESOURCES

MAX_SHOWN = 100

_CODES = {
    "credentials_missing": "PGRST302",
    "credentials_invalid": "PGRST301",
    "credentials_expired": "PGRST303",
    "permission_denied": "42501",
    "malformed_json": "PGRST102",
    "method_not_allowed": "PGRST117",
    "entity_exists": "23505",
    "invalid": "22023",
    "internal": "XX000",
}
_PREFIXES = ("/pg/", "/rpc/")
_TABLES = frozenset(f"/api/{name}" for name in RESOURCES) - {"/api/workflows"}
"""Also without `/pg`; `/api/workflows` is a path of another dialect, too."""

_NOTHING_THERE = "path_not_found"


def is_of_pg(path: str) -> bool:
    """Whether a path belongs to this dialect, also if there is nothing."""
    return path.startswith(_PREFIXES) or path.rstrip("/") in _TABLES or path == "/pg"


def pg_document(
    path: str, code: str, message: str, problems: Sequence[Problem] = (), members: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of an error. See `problem_document`."""
    others = dict(members or {})
    details, hint = others.pop("details", None), others.pop("hint", None)
    return {
        "code": _nothing_at(path) if code == _NOTHING_THERE else _CODES.get(code, code),
        "details": details or _details(problems, others),
        "hint": hint,
        "message": message,
    }


def _nothing_at(path: str) -> str:
    """For a table, a function, or anything else."""
    rest = path.removeprefix("/pg")
    return "PGRST205" if rest.startswith("/api/") else "PGRST202" if rest.startswith("/rpc/") else "PGRST125"


def _details(problems: Sequence[Problem], members: Mapping[str, Any]) -> str | None:
    """What is wrong with each field, or the conditions that do not hold, or what else programs need to continue."""
    parts = [f"{one.path}: {one.message}" if one.path else one.message for one in problems[:MAX_SHOWN]]
    return "; ".join(parts or [f"{name}: {value}" for name, value in members.items()]) or None
