"""docs/data-flow.md shows a definition that can be saved, and the limits that hold."""

from pathlib import Path

import orjson

from app.api.rest.workflow_bodies import WorkflowCreate
from app.contracts.json_schemas import MAX_PATTERNS
from app.definitions.expression_rules import MAX_EXPRESSIONS
from app.definitions.rules import Rules
from app.domain.definitions import MAX_CONCURRENCY
from app.expressions.expression import MAX_SOURCE
from app.expressions.limits import (
    CHARACTERS_A_STEP,
    MAX_DEPTH,
    MAX_MADE_BYTES,
    MAX_PATTERN,
    MAX_RESULT_BYTES,
    MAX_STEPS,
)
from app.expressions.names import ELEMENT_ROOTS, MAX_COSTLY, ROOTS
from app.tasks import TaskOptions, build_registry

PAGE = (Path(__file__).parents[3] / "docs" / "data-flow.md").read_text()


def test_the_definition_that_is_shown_can_be_saved():
    shown = PAGE.split("```json\n")[1].split("```")[0]
    draft = WorkflowCreate.model_validate(orjson.loads(shown)).draft()
    Rules(build_registry(TaskOptions()), max_tasks=10).check_new(draft)


def test_the_page_names_every_root():
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert all(any(root in row for row in rows) for root in ROOTS | ELEMENT_ROOTS)


def test_the_limits_on_the_page_are_those_that_hold():
    for limit in (MAX_SOURCE, MAX_EXPRESSIONS, MAX_CONCURRENCY, MAX_STEPS, MAX_PATTERN):
        assert f"{limit:,}" in PAGE
    assert f"{MAX_DEPTH} levels" in PAGE
    assert f"{MAX_MADE_BYTES // 2**20} MiB" in PAGE
    assert f"{MAX_RESULT_BYTES // 2**20} MiB" in PAGE
    assert f"{CHARACTERS_A_STEP} characters" in PAGE
    assert f"{MAX_COSTLY} in an expression" in PAGE
    assert f"{MAX_PATTERNS} patterns" in PAGE
