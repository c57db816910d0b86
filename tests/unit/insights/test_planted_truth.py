"""What is planted in histories is found, and nothing else; nothing is found in a clean twin."""

from datetime import UTC, datetime

import pytest

from app.insights.choosing import by_workflow, worthy
from app.insights.looking import look
from tests.support.planted_histories import PLANTED, planted_history, planted_workflow, taken_from

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(20))
def test_exactly_what_is_planted_is_found(seed: int) -> None:
    planted, twin = planted_workflow(1), planted_workflow(2, is_clean=True)
    findings = [
        *look(taken_from(planted, planted_history(planted, seed, NOW), NOW)),
        *look(taken_from(twin, planted_history(twin, 1_000 + seed, NOW, is_clean=True), NOW)),
    ]
    found = by_workflow(worthy(findings, NOW))
    assert {(one.task.name, one.rule.value) for one in found[1] if one.task is not None} == PLANTED
    assert 2 not in found
