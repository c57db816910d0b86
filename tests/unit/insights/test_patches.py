"""JSON Patches of workflows: applied, moved with their tasks, and taken back."""

from copy import deepcopy
from typing import Any

import pytest

from app.insights.patches import PatchFailed, applied, inverse, is_same, patch_problems

DOCUMENT: dict[str, Any] = {
    "id": 7,
    "name": "report",
    "variables": {"a/b": 1, "m~n": 2},
    "tasks": [{"id": 11, "retry": None, "config": {}}, {"id": 12, "retry": None, "config": {"list": [1, 2]}}],
}
RETRY = (
    {"op": "test", "path": "/tasks/1/id", "value": 12},
    {"op": "test", "path": "/tasks/1/retry", "value": None},
    {"op": "replace", "path": "/tasks/1/retry", "value": {"max_attempts": 3}},
)


def test_a_patch_changes_a_copy() -> None:
    before = deepcopy(DOCUMENT)
    assert applied(RETRY, DOCUMENT)["tasks"][1]["retry"] == {"max_attempts": 3}
    assert before == DOCUMENT


def test_a_patch_follows_its_task() -> None:
    turned = {**DOCUMENT, "tasks": DOCUMENT["tasks"][::-1]}
    assert applied(RETRY, turned)["tasks"][0] == {"id": 12, "retry": {"max_attempts": 3}, "config": {"list": [1, 2]}}


def test_a_patch_whose_task_is_gone_fails() -> None:
    with pytest.raises(PatchFailed, match="task 12 does not exist any more"):
        applied(RETRY, {**DOCUMENT, "tasks": DOCUMENT["tasks"][:1]})


def test_a_patch_fails_where_the_field_has_changed() -> None:
    changed = deepcopy(DOCUMENT)
    changed["tasks"][1]["retry"] = {"max_attempts": 2}
    with pytest.raises(PatchFailed, match="/tasks/1/retry is not what it was"):
        applied(RETRY, changed)


# RFC 6902, appendix A, where its examples fit the operations.
@pytest.mark.parametrize(
    ("operation", "variables"),
    [
        ({"op": "add", "path": "/variables/new", "value": [1]}, {"a/b": 1, "m~n": 2, "new": [1]}),
        ({"op": "remove", "path": "/variables/a~1b"}, {"m~n": 2}),
        ({"op": "replace", "path": "/variables/m~0n", "value": 3}, {"a/b": 1, "m~n": 3}),
    ],
)
def test_operations_on_objects(operation: dict[str, Any], variables: dict[str, Any]) -> None:
    assert applied((operation,), DOCUMENT)["variables"] == variables


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ({"op": "add", "path": "/tasks/1/config/list/1", "value": 9}, [1, 9, 2]),
        ({"op": "add", "path": "/tasks/1/config/list/-", "value": 9}, [1, 2, 9]),
        ({"op": "remove", "path": "/tasks/1/config/list/0"}, [2]),
        ({"op": "replace", "path": "/tasks/1/config/list/0", "value": 9}, [9, 2]),
    ],
)
def test_operations_on_lists(operation: dict[str, Any], found: list[int]) -> None:
    assert applied((operation,), DOCUMENT)["tasks"][1]["config"]["list"] == found


@pytest.mark.parametrize(
    "path", ["/tasks/5/retry", "/tasks/x/retry", "/nothing", "/name/deeper", "/tasks/1/config/list/2", "/tasks/01/id"]
)
def test_places_that_do_not_exist(path: str) -> None:
    with pytest.raises(PatchFailed):
        applied(({"op": "replace", "path": path, "value": 1},), DOCUMENT)


@pytest.mark.parametrize(
    "patch",
    [
        RETRY,
        ({"op": "add", "path": "/variables/new", "value": 1},),
        ({"op": "remove", "path": "/variables/a~1b"},),
        ({"op": "add", "path": "/tasks/1/config/list/0", "value": 9},),
        (
            {"op": "add", "path": "/tasks/1/config/list/-", "value": 9},
            {"op": "add", "path": "/tasks/1/config/list/-", "value": 10},
            {"op": "replace", "path": "/name", "value": "other"},
        ),
    ],
)
def test_the_inverse_gives_back_what_was_there(patch: Any) -> None:
    after = applied(patch, DOCUMENT)
    assert applied(inverse(patch, DOCUMENT, after), after) == DOCUMENT


def test_the_inverse_tests_what_was_stored() -> None:
    """A value may be stored with the defaults of what it leaves out."""
    after = applied(RETRY, DOCUMENT)
    after["tasks"][1]["retry"] = {"max_attempts": 3, "jitter": 0.1}
    back = inverse(RETRY, DOCUMENT, after)
    assert applied(back, after)["tasks"][1]["retry"] is None
    after["tasks"][1]["retry"]["jitter"] = 0.2
    with pytest.raises(PatchFailed):
        applied(back, after)


def test_values_are_compared_as_json() -> None:
    assert is_same({"a": [30]}, {"a": [30.0]})
    assert not is_same(1, True)
    assert not is_same({"a": 1}, {"a": 1, "b": 2})
    assert not is_same([1], [1, 2])
    assert not is_same(None, False)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ([], "must have from 1 to 100 operations"),
        ([{"op": "move", "path": "/name", "from": "/key"}], "`op` must be one of"),
        ([{"op": "add", "path": "name", "value": 1}], "must be a JSON Pointer"),
        ([{"op": "add", "path": "/a~2", "value": 1}], "must be a JSON Pointer"),
        ([{"op": "add", "path": "/name"}], "needs a `value`"),
        ([{"op": "replace", "path": "/tasks/0/id", "value": 1}], "is set by the service only"),
        ([{"op": "test", "path": "/name", "value": "report"}], "changes nothing"),
    ],
)
def test_wrong_patches(patch: Any, message: str) -> None:
    assert message in patch_problems(patch)[0].message
