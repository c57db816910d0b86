"""Which workflows the tasks of one execution call, and for which elements no child has been started yet."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.definitions import Config
from app.domain.handlers import Call, TaskError, is_calling
from app.domain.shares import Group
from app.engine.deciding.state import ExecutionState
from app.engine.running.attempts import Attempts
from app.engine.running.element_configs import ElementConfigs
from app.engine.running.elements import DEFAULT_CONCURRENCY
from app.engine.running.preparing import Preparation


@dataclass(slots=True)
class _Calls:
    """What one attempt of a task calls.

    - attempt: its number
    - config: that of a task that does not run for each element
    - elements: the configs of the elements; None for a task that does not run for each
    - waiting: the elements that have no child yet
    - is_over: true once `take_end` has said so
    """

    attempt: int
    config: Config
    elements: ElementConfigs | None
    waiting: deque[int | None]
    is_over: bool = False

    @property
    def count(self) -> int:
        return 1 if self.elements is None else len(self.elements)


class ChildCalls:
    """Evaluated once per attempt, because lists may be long; the config of an element when it is needed."""

    __slots__ = ("_attempts", "_calls", "_group", "_preparation", "_state")

    def __init__(self, group: Group, state: ExecutionState, preparation: Preparation, attempts: Attempts) -> None:
        self._group = group
        self._state = state
        self._preparation = preparation
        self._attempts = attempts
        self._calls: dict[int, _Calls] = {}

    async def evaluate(self, index: int) -> None:
        """Find out what the task's attempt calls. Raise `EvaluationError` and `EvaluatorError`."""
        if self.count(index) is None:
            attempt = self._state.tasks[index].attempt
            begun = await self._preparation.begin_later(index)
            runs_for_each = begun.elements is not None
            configs = self._preparation.element_configs(index, begun) if runs_for_each else None
            elements: Sequence[int | None] = (None,) if configs is None else range(len(configs))
            task = self._state.tasks[index]
            taken = task.elements.keys() | task.children.keys()
            waiting = deque(element for element in elements if element not in taken)
            self._calls[index] = _Calls(attempt, begun.config, configs, waiting)

    def count(self, index: int) -> int | None:
        """How many children the task needs in all; None until that is evaluated."""
        calls = self._calls.get(index)
        return None if calls is None or calls.attempt != self._state.tasks[index].attempt else calls.count

    def are_wanted(self, index: int) -> bool:
        """True when children are to be started now."""
        return bool(self._calls[index].waiting) and self._room(index) > 0

    def next_elements(self, index: int) -> list[int | None]:
        """The elements for which children are to be started now; None stands for a task that does not run for each.

        Each is returned once per attempt, unless `forget` is called.
        """
        waiting = self._calls[index].waiting
        return [waiting.popleft() for _ in range(min(self._room(index), len(waiting)))]

    def take_end(self, index: int) -> bool:
        """True when all elements have completed; only once."""
        calls = self._calls[index]
        if calls.is_over or calls.elements is None or len(self._state.tasks[index].elements) < calls.count:
            return False
        calls.is_over = True
        return True

    def _room(self, index: int) -> int:
        flow = self._state.plan.tasks[index].flow
        most = 1 if flow.for_each is None else flow.max_concurrency or DEFAULT_CONCURRENCY
        return max(most - len(self._state.tasks[index].children), 0)

    def forget(self, index: int) -> None:
        """What `next_elements` has returned was not stored, and is to be returned again."""
        self._calls.pop(index, None)

    async def call(self, index: int, element: int | None) -> Call:
        """Raise `TaskError` for a config that is wrong, or that cannot be evaluated."""
        planned, calls = self._state.plan.tasks[index], self._calls[index]
        handler = self._attempts.handler(planned.type)
        if handler is None or not is_calling(handler):
            raise TaskError("unknown_task_type", f"{planned.type!r} runs no workflow on this engine", retryable=False)
        if calls.elements is None or element is None:
            return handler.call(calls.config)
        return handler.call(await calls.elements.config(element, self._group))
