"""What tasks hand on: to the tasks after them, and to whoever asked for the execution."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from app.engine.deciding.state import ExecutionState


class Outputs(Mapping[str, Any]):
    """The outputs of the tasks that must have completed before task `index`, by name; each is parsed when asked for.

    A task that merely happened to end earlier is not among them, so every attempt sees the same. Where conditions lead,
    tasks run one at a time, and all that have ended are among them, with their latest outputs.
    """

    def __init__(self, state: ExecutionState, index: int) -> None:
        self._plan = state.plan
        self._tasks = state.tasks
        self._before = state.plan.before[index] if state.visits is None else _mask(state.visits.ended)

    def __getitem__(self, name: str) -> Any:
        index = self._plan.index_named[name]
        if not self._before >> index & 1:
            raise KeyError(name)
        text = self._tasks[index].output
        return None if text is None else orjson.loads(text)

    def __iter__(self) -> Iterator[str]:
        return (task.name for task in self._plan.tasks if self._before >> task.index & 1)

    def __len__(self) -> int:
        return self._before.bit_count()


def _mask(indexes: Iterable[int]) -> int:
    return sum(1 << index for index in indexes)


def final_output(state: ExecutionState, limit: int) -> str | None:
    """JSON text: the last tasks' outputs by name, nulls left out; None when there are none or they pass `limit` bytes.

    An execution whose every task succeeded does not fail for the sum of its outputs; each stays with its task. Where
    conditions lead, the output is that of the last task that completed.
    """
    if state.visits is not None:
        return state.visits.last_output
    named = {
        state.plan.tasks[index].name: orjson.Fragment(output)
        for index in state.plan.last
        if (output := state.tasks[index].output) is not None
    }
    if not named or sum(len(state.tasks[index].output or "") for index in state.plan.last) > limit:
        return None
    text = orjson.dumps(named)
    return text.decode() if len(text) <= limit else None
