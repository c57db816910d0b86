"""What tasks hand on: to the tasks after them, and to whoever asked for the execution."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.domain.states import TaskStatus
from app.engine.state import ExecutionState


class Outputs(Mapping[str, Any]):
    """The outputs of the tasks that have completed, by name; each is parsed when it is asked for."""

    def __init__(self, state: ExecutionState) -> None:
        self._texts = {
            planned.name: task.output
            for planned, task in zip(state.plan.tasks, state.tasks, strict=True)
            if task.status is TaskStatus.COMPLETED
        }

    def __getitem__(self, name: str) -> Any:
        text = self._texts[name]
        return None if text is None else orjson.loads(text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def final_output(state: ExecutionState, limit: int) -> str | None:
    """JSON text: the last tasks' outputs by name, nulls left out; None when there are none or they pass `limit` bytes.

    An execution whose every task succeeded does not fail for the sum of its outputs; each stays with its task.
    """
    named = {
        state.plan.tasks[index].name: orjson.Fragment(output)
        for index in state.plan.last
        if (output := state.tasks[index].output) is not None
    }
    if not named or sum(len(state.tasks[index].output or "") for index in state.plan.last) > limit:
        return None
    text = orjson.dumps(named)
    return text.decode() if len(text) <= limit else None
