"""Errors in PostgREST's form: for which paths, and what they say."""

import pytest

from app.api.rest.dialects.pg.error_form import is_of_pg, pg_document
from app.domain.errors import Problem


@pytest.mark.parametrize(
    ("path", "is_of"),
    [
        ("/pg", True),
        ("/pg/", True),
        ("/pg/api/workflows", True),
        ("/pg/anything", True),
        ("/rpc/anything", True),
        ("/api/workflows", False),
        ("/api/workflow_history/", True),
        ("/api/workflows/7", False),
        ("/api/nothing", False),
        ("/api/v1/workflows", False),
        ("/workflows", False),
        ("/pgx", False),
    ],
)
def test_a_path_belongs_to_the_dialect(path: str, is_of: bool) -> None:
    assert is_of_pg(path) is is_of


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("internal", "XX000"),
        ("credentials_missing", "PGRST302"),
        ("path_not_found", "PGRST205"),
        ("unavailable", "unavailable"),
        ("42703", "42703"),
    ],
)
def test_a_code_is_that_of_postgrest_where_it_has_one(code: str, shown: str) -> None:
    assert pg_document("/pg/api/x", code, "m") == {"code": shown, "details": None, "hint": None, "message": "m"}


def test_details_are_the_problems_or_what_programs_need() -> None:
    problems = [Problem("a.b", "is wrong"), Problem("", "role: x")]
    assert pg_document("/pg/x", "c", "m", problems, {"state": "s"})["details"] == "a.b: is wrong; role: x"
    assert pg_document("/pg/x", "c", "m", (), {"entity_id": "7"})["details"] == "entity_id: 7"
    own = pg_document("/pg/x", "c", "m", problems, {"details": "d", "hint": "h"})
    assert (own["details"], own["hint"]) == ("d", "h")
