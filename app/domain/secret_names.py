"""Which secrets the tasks of a workflow name in their expressions."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from app.domain.definitions import TaskDraft

_NAMED = re.compile(r"""\bsecrets\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(["']{1,3})([A-Za-z_]\w*)\2\s*\])""", re.ASCII)


def named_secrets(tasks: Iterable[TaskDraft]) -> tuple[str, ...]:
    """The names after `secrets` in the configs, conditions and lists, sorted.

    Only for revisions that were stored before workflows had the field `secrets`: they may use what they name.
    """
    found = set[str]()
    for task in tasks:
        for text in _texts([task.when, task.for_each, task.config]):
            if "secrets" in text:
                found.update(match[1] or match[3] for match in _NAMED.finditer(text))
    return tuple(sorted(found))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
