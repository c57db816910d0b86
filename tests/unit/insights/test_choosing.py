"""Which findings become suggestions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.definitions import Task
from app.insights.choosing import choice_of, worthy
from app.insights.findings import Finding
from app.insights.suggestions import Evidence, Rule, Source, Status, Suggestion
from tests.support.samples import workflow_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULES = [Rule.ADD_RETRIES, Rule.SET_TIMEOUT, Rule.RUN_SIDE_BY_SIDE, Rule.UNREAD_OUTPUT, Rule.NEVER_REACHED]


def evidence(n: int = 100, k: int | None = 10, p_value: float = 1e-6) -> Evidence:
    return Evidence("f/1", UUID(int=1), UUID(int=2), 1, NOW, n, k, 0.1, 0.05, 0.2, 0.95, p_value)


def finding(rule: Rule = Rule.ADD_RETRIES, *, p_value: float = 1e-6, holds: bool = True, saved: float = 1.0) -> Finding:
    task = Task("a", type="log", id=7)
    found = evidence(p_value=p_value)
    return Finding(rule, workflow_of(task), task, holds, found, "title", "why", {}, None, saved)


def known(number: int, rule: str, status: Status = Status.OPEN, **fields: object) -> Suggestion:
    decided = None if status is Status.OPEN else NOW - timedelta(days=1)
    one = Suggestion(
        id=number, tenant_id=1, workflow_id=1, task_id=7, task="a", rule=rule, source=Source.HISTORY, status=status,
        title="t", rationale="", patch=None, prediction={}, evidence=evidence(), seconds_a_day=1.0, created_at=NOW,
        updated_at=NOW, decided_at=decided,
    )  # fmt: skip
    return replace(one, **fields)  # type: ignore[arg-type]


def test_findings_are_compared_with_all_that_were_tried() -> None:
    chance = [finding(p_value=0.04), *(finding(p_value=0.5, holds=False) for _ in range(19))]
    assert worthy(chance, NOW) == []
    assert worthy([finding(p_value=0.04)], NOW) != []
    assert len(worthy([finding(p_value=1e-9), *chance], NOW)) == 1
    assert worthy([finding(p_value=0.04)], NOW, [0.5] * 19) == []


def test_a_finding_needs_an_effect_as_well() -> None:
    assert worthy([finding(holds=False)], NOW) == []


def test_a_workflow_of_less_than_7_days_is_left_alone() -> None:
    one = finding()
    young = replace(one, workflow=replace(one.workflow, created_at=NOW - timedelta(days=6.9)))
    old = replace(one, workflow=replace(one.workflow, created_at=NOW - timedelta(days=7)))
    assert worthy([young, old], NOW) == [old]


def test_three_are_shown_those_that_save_most() -> None:
    found = [finding(rule, saved=saved) for rule, saved in zip(RULES, (1, 5, 3, 4, 2), strict=True)]
    assert [one.rule for one in choice_of(found, (), NOW).new] == ["set_timeout", "unread_output", "run_side_by_side"]


def test_what_is_open_keeps_its_place() -> None:
    opened = [known(number, rule) for number, rule in enumerate(RULES[:2], 1)]
    choice = choice_of([finding(rule, saved=9 - index) for index, rule in enumerate(RULES)], opened, NOW)
    assert list(choice.refreshed) == [1, 2]
    assert [one.rule for one in choice.new] == ["run_side_by_side"]
    assert choice.stale == []


def test_what_holds_no_longer_becomes_stale_and_makes_room() -> None:
    opened = [known(number, rule) for number, rule in enumerate(RULES[:3], 1)]
    choice = choice_of([finding(RULES[3])], opened, NOW)
    assert choice.stale == [1, 2, 3]
    assert [one.rule for one in choice.new] == ["unread_output"]


@pytest.mark.parametrize(("source", "rule"), [(Source.EXTERNAL, "mine"), (Source.HISTORY, Rule.UNDO)])
def test_what_was_not_computed_does_not_become_stale_but_takes_a_place(source: Source, rule: str) -> None:
    others = [known(number, f"{rule}", source=source, task_id=number) for number in range(3)]
    choice = choice_of([finding()], others, NOW)
    assert (choice.stale, choice.new) == ([], [])


def new_after(status: Status, *, days: float = 1.0, evidence_then: Evidence | None = None) -> Sequence[object]:
    one = known(
        1, Rule.ADD_RETRIES, status, decided_at=NOW - timedelta(days=days), evidence=evidence_then or evidence()
    )
    return choice_of([finding()], [one], NOW).new


@pytest.mark.parametrize("status", [Status.REJECTED, Status.UNDONE])
def test_silence_after_a_no(status: Status) -> None:
    assert new_after(status) == []
    assert len(new_after(status, days=31)) == 1
    assert len(new_after(status, evidence_then=evidence(k=5))) == 1
    assert new_after(status, evidence_then=evidence(k=6)) == []


def test_a_stale_one_may_come_back() -> None:
    assert len(new_after(Status.STALE)) == 1
