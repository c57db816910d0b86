"""`app.tenant` is set for a transaction, never for a session: a pooler gives the session to other clients."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SOURCES = sorted(
    path
    for folder in ("app", "alembic", "bench", "scripts")
    for path in (REPOSITORY / folder).rglob("*")
    if path.suffix in (".py", ".sql") and "generated" not in path.parts
)
NAME = r"""["']?app\.tenant["']?"""
FOR_A_SESSION = re.compile(
    rf"\bSET\s+(?:SESSION\s+)?{NAME}"
    rf"|\b(?:ALTER|RESET)\b[^;]*{NAME}"
    rf"|\bset_config\(\s*{NAME}\s*,(?:[^()]|\([^()]*\))*,\s*(?!true\b)(?!True\b)\w+",
    re.IGNORECASE,
)


def mistakes(text: str) -> list[str]:
    return [found[0] for found in FOR_A_SESSION.finditer(text)]


def test_no_source_sets_it_for_a_session() -> None:
    named = [path for path in SOURCES if "app.tenant" in path.read_text("utf-8")]
    assert len(SOURCES) > 300
    assert REPOSITORY / "app" / "adapters" / "database" / "tenancy.py" in named
    assert {
        str(path.relative_to(REPOSITORY)): found for path in named if (found := mistakes(path.read_text("utf-8")))
    } == {}


@pytest.mark.parametrize(
    "text",
    [
        "SET app.tenant = 1",
        "set session app.tenant to 1",
        "SELECT set_config('app.tenant', $1, false)",
        "SELECT set_config('app.tenant', ($1)::text, FALSE)",
        'func.set_config("app.tenant", cast(_TENANT, Text), False)',
        "ALTER ROLE workflow_api SET app.tenant = 1",
    ],
)
def test_a_setting_for_a_session_is_found(text: str) -> None:
    assert mistakes(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT set_config('app.tenant', $1, true)",
        'func.set_config("app.tenant", cast(_TENANT, Text), True)',
        "SET LOCAL app.tenant = 1",
        "current_setting('app.tenant', true)",
    ],
)
def test_a_setting_for_a_transaction_is_accepted(text: str) -> None:
    assert not mistakes(text)
