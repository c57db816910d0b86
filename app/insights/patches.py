"""JSON Patch (RFC 6902) of the document of a workflow: `add`, `replace`, `remove` and `test`.

A patch that begins with a test of `/tasks/N/id` follows the task, wherever it is in the list now.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from app.domain.errors import Problem
from app.insights.suggestions import Operation, Patch

WORDS = ("add", "replace", "remove", "test")
MAX_OPERATIONS = 100
READ_ONLY = re.compile(
    r"/(id|revision|created_at|updated_at|steps|warnings)|/tasks/\d+/(id|workflow_id|created_at|updated_at)"
)

_TASK = re.compile(r"/tasks/(\d+)(?=/|$)")
_TASK_ID = re.compile(r"/tasks/(\d+)/id")


class PatchFailed(Exception):
    """The patch does not fit the document: a test fails, or a place does not exist."""


def patch_problems(patch: Sequence[Operation], path: str = "patch") -> list[Problem]:
    """What is wrong with a patch by itself."""
    if not 0 < len(patch) <= MAX_OPERATIONS:
        return [Problem(path, f"must have from 1 to {MAX_OPERATIONS} operations")]
    found = []
    for index, operation in enumerate(patch):
        if (message := _wrong(operation)) is not None:
            found.append(Problem(f"{path}[{index}]", message))
    if all(operation.get("op") == "test" for operation in patch):
        found.append(Problem(path, "only tests, and changes nothing"))
    return found


def _wrong(operation: Operation) -> str | None:
    word, path = operation.get("op"), operation.get("path")
    if word not in WORDS:
        return f"`op` must be one of {', '.join(WORDS)}"
    if not isinstance(path, str) or not path.startswith("/") or re.search(r"~(?![01])", path):
        return "`path` must be a JSON Pointer, such as /tasks/0/retry"
    if word != "remove" and "value" not in operation:
        return "needs a `value`"
    if word != "test" and READ_ONLY.fullmatch(path):
        return f"{path} is set by the service only"
    return None


def placed(patch: Patch, document: Mapping[str, Any]) -> Patch:
    """The patch with the places in which its tasks are now. Raise `PatchFailed` if one of them is gone."""
    now = {task["id"]: index for index, task in enumerate(document["tasks"])}
    moved: dict[str, int] = {}
    for operation in patch:
        found = _TASK_ID.fullmatch(operation["path"])
        if found is not None and operation["op"] == "test":
            if operation["value"] not in now:
                raise PatchFailed(f"task {operation['value']} does not exist any more")
            moved[found[1]] = now[operation["value"]]
    return tuple({**one, "path": _TASK.sub(lambda at: _moved(at[1], moved), one["path"])} for one in patch)


def _moved(index: str, moved: Mapping[str, int]) -> str:
    return f"/tasks/{moved.get(index, index)}"


def applied(patch: Patch, document: Mapping[str, Any]) -> dict[str, Any]:
    """A patched copy of the document. Raise `PatchFailed`; then nothing is changed."""
    changed: dict[str, Any] = deepcopy(dict(document))
    for operation in placed(patch, document):
        _apply(operation, changed)
    return changed


def inverse(patch: Patch, before: Mapping[str, Any], after: Mapping[str, Any]) -> Patch:
    """The patch that takes this one back: it tests that each place still has what this one has put there.

    before: the document that it was applied to.
    after: the document as it was stored then; what was left out of a value has its default there.
    Raise `PatchFailed`.
    """
    changed: dict[str, Any] = deepcopy(dict(before))
    tests, changes = [], []
    for operation in placed(patch, before):
        if operation["op"] == "test":
            if _TASK_ID.fullmatch(operation["path"]):
                tests.append(dict(operation))
            continue
        changes.append(_inverse(operation, changed, after))
        _apply(operation, changed)
    undone = [one for pair in reversed(changes) for one in pair]
    return (*tests, *undone)


def _inverse(operation: Operation, document: dict[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    path = operation["path"]
    parent, name = _parent(document, path)
    if operation["op"] == "remove":
        return [{"op": "add", "path": path, "value": deepcopy(_get(parent, name))}]
    if operation["op"] == "add" and isinstance(parent, list):
        path = f"{path.rpartition('/')[0]}/{len(parent) if name == '-' else int(name)}"
        return [*_test(path, after), {"op": "remove", "path": path}]
    if not _has(parent, name):
        return [*_test(path, after), {"op": "remove", "path": path}]
    return [*_test(path, after), {"op": "replace", "path": path, "value": deepcopy(_get(parent, name))}]


def _test(path: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    parent, name = _parent(document, path)
    return [{"op": "test", "path": path, "value": deepcopy(_get(parent, name))}]


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal as RFC 6902 has it: numbers by their value, and `true` is not a number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _apply(operation: Operation, document: dict[str, Any]) -> None:
    path, word = operation["path"], operation["op"]
    parent, name = _parent(document, path)
    if word == "test":
        if not is_same(_get(parent, name), operation["value"]):
            raise PatchFailed(f"{path} is not what it was")
    elif word == "add":
        _add(parent, name, deepcopy(operation["value"]))
    elif word == "replace":
        _get(parent, name)
        parent[int(name) if isinstance(parent, list) else name] = deepcopy(operation["value"])
    else:
        _get(parent, name)
        del parent[int(name) if isinstance(parent, list) else name]


def _add(parent: Any, name: str, value: Any) -> None:
    if isinstance(parent, list):
        place = len(parent) if name == "-" else _index(name)
        if place > len(parent):
            raise PatchFailed(f"there is no place {name}")
        parent.insert(place, value)
    else:
        parent[name] = value


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *upper, name = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    found = document
    for part in upper:
        found = _get(found, part)
    if not isinstance(found, dict | list):
        raise PatchFailed(f"{path} does not exist")
    return found, name


def _get(parent: Any, name: str) -> Any:
    if not _has(parent, name):
        raise PatchFailed(f"{name!r} does not exist")
    return parent[int(name)] if isinstance(parent, list) else parent[name]


def _has(parent: Any, name: str) -> bool:
    if isinstance(parent, list):
        return name.isascii() and name.isdigit() and _index(name) < len(parent)
    return isinstance(parent, dict) and name in parent


def _index(name: str) -> int:
    if not (name.isascii() and name.isdigit() and len(name) < 10) or (len(name) > 1 and name[0] == "0"):
        raise PatchFailed(f"{name!r} is no place in a list")
    return int(name)
