"""What a task gets of the tasks before it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.engine.deciding.state import ExecutionState


class Outputs(Mapping[str, Any]):
    """The outputs of the tasks that are visible to task `index`, by name; each is parsed when it is looked up.

    The course says which these are.
    """

    def __init__(self, state: ExecutionState, index: int) -> None:
        self._plan = state.plan
        self._tasks = state.tasks
        self._visible = state.course.visible_to(index)

    def __getitem__(self, name: str) -> Any:
        text = self.text(name)
        return None if text is None else orjson.loads(text)

    def text(self, name: str) -> str | None:
        """The output as JSON text; None for `null`. Raise `KeyError` as a lookup does."""
        index = self._plan.index_named[name]
        if not self._visible >> index & 1:
            raise KeyError(name)
        return self._tasks[index].output

    def __contains__(self, name: object) -> bool:
        index = self._plan.index_named.get(name) if isinstance(name, str) else None
        return index is not None and bool(self._visible >> index & 1)

    def __iter__(self) -> Iterator[str]:
        return (task.name for task in self._plan.tasks if self._visible >> task.index & 1)

    def __len__(self) -> int:
        return self._visible.bit_count()
