"""The drawings and tables of docs/execution-model.md say what the code does."""

import re
from collections.abc import Mapping, Set
from enum import StrEnum
from pathlib import Path

import pytest

from app.domain.events import TASK_STATUS_AFTER, EventType
from app.domain.states import EXECUTION_TRANSITIONS, TASK_TRANSITIONS

TEXT = (Path(__file__).parents[3] / "docs" / "execution-model.md").read_text("utf-8")
DRAWINGS = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", TEXT, re.DOTALL)


def arrows(drawing: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^ +(\S+) --> ([^\s:]+)(?:: .+)?$", drawing, re.MULTILINE))


def arrows_of(table: Mapping[StrEnum, Set[StrEnum]]) -> set[tuple[str, str]]:
    found = {(before.value, after.value) for before, all_after in table.items() for after in all_after}
    ends = {(status.value, "[*]") for status, all_after in table.items() if not all_after}
    return found | ends | {("[*]", "pending")}


@pytest.mark.parametrize(
    ("number", "table"), [(0, EXECUTION_TRANSITIONS), (1, TASK_TRANSITIONS)], ids=["executions", "tasks"]
)
def test_each_drawing_is_the_table_of_transitions(number, table):
    assert len(DRAWINGS) == 2
    assert arrows(DRAWINGS[number]) == arrows_of(table)
    assert len(arrows(DRAWINGS[number])) == len(DRAWINGS[number].strip().splitlines())


def test_the_events_table_holds_every_event():
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (yes|no) \| .+ \|$", TEXT, re.MULTILINE)
    assert [name for name, _ in rows] == [word.value for word in EventType]
    assert {name for name, of_task in rows if of_task == "yes"} == {word.value for word in TASK_STATUS_AFTER}
