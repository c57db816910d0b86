"""The children of one execution: which are to be started, what their ends mean, and which are asked to stop.

The state says which children the execution waits for. A child exists exactly if the history names it, because both are
stored in one step. So whatever was prepared here and not stored is forgotten, and prepared again where it is needed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from app.domain.calls import named_workflow
from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.executions import Execution
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus
from app.engine.deciding.drafts import Draft
from app.engine.deciding.event_data import child_data, element_data
from app.engine.deciding.outcomes import Failed, Outcome, Succeeded
from app.engine.deciding.state import ExecutionState
from app.engine.ports import ChildEnd, ChildOpening, ControlCommand, FamilyChange
from app.engine.running.child_calls import ChildCalls
from app.engine.running.child_openings import Known, in_element
from app.engine.running.collaborators import Collaborators
from app.engine.running.preparing import Preparation

Awaiting = tuple[int, int | None]
"""The index of a task, and which of its elements waits; None for a task that does not run for each."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Prepares children of one attempt.

    - attempt: its number
    - task: returns the children to be stored
    """

    attempt: int
    task: "asyncio.Task[list[ChildOpening]]"


Ended = tuple[int, int, Outcome]
"""The index of a task, the number of its attempt, and how this has ended, for the checks that any outcome undergoes."""


class Owner(Protocol):
    """The run that the children are of; it turns what they report into events."""

    def attempt_ended(self, index: int, number: int, outcome: Outcome) -> None:
        """Take the outcome of attempt `number` of task `index`."""

    def children_prepared(self, index: int, number: int, openings: Sequence[ChildOpening]) -> bool:
        """Store these children of attempt `number` of task `index`. Return false if it needs none now."""

    def child_ended(self, command: ControlCommand, drafts: Sequence[Draft], ended: Ended | None) -> None:
        """Store what follows from the end of a child: `drafts`, and the end of the task, if it has ended."""


class Children:
    """The `Family` of an execution that calls workflows, or is a child itself."""

    __slots__ = ("_calls", "_early", "_execution", "_jobs", "_open", "_owner", "_preparation", "_shared", "_state")

    def __init__(
        self,
        execution: Execution,
        state: ExecutionState,
        preparation: Preparation,
        shared: Collaborators,
        owner: Owner,
    ) -> None:
        self._execution = execution
        self._state = state
        self._preparation = preparation
        self._shared = shared
        self._owner: Owner | None = owner
        self._calls = ChildCalls(execution.group, state, preparation, shared.attempts)
        self._jobs: dict[int, _Job] = {}
        self._early: dict[int, list[ControlCommand]] = {}
        self._open = self._awaited()

    @property
    def are_awaited(self) -> bool:
        return bool(self._open)

    @property
    def are_starting(self) -> bool:
        return bool(self._jobs)

    def stop(self) -> None:
        self._owner = None
        for job in self._jobs.values():
            job.task.cancel()
        self._jobs.clear()
        self._early.clear()

    # What a step changes for others

    def change(
        self, events: Sequence[Event], openings: Sequence[ChildOpening], ended: ChildEnd | None
    ) -> FamilyChange | None:
        before, self._open = self._open, self._awaited()
        # A child may be started and stopped by one step.
        before.update((child.id, (self._state.plan.index_of[child.parent.task_id], None)) for child in openings)
        stopped = {
            child: f"task {self._state.plan.tasks[index].name!r} of its parent no longer waits for it"
            for child, (index, _) in before.items()
            if child not in self._open and (ended is None or child != ended.id)
        }
        is_end = bool(events) and events[-1].type in FINAL_EVENTS
        parent = self._execution.parent
        told = parent.execution_id if is_end and parent is not None else None
        ends = is_end and self._state.plan.calls_workflows
        if not (openings or stopped or ends) and told is None:
            return None
        return FamilyChange(openings, stopped, told, ends)

    def _awaited(self) -> dict[UUID, Awaiting]:
        tasks = self._state.tasks
        return {
            child: (index, element) for index in self._state.open for element, child in tasks[index].children.items()
        }

    # The end of a child

    def take_end(self, command: ControlCommand) -> None:
        if self._owner is None:
            return
        end = command.child
        awaiting = None if end is None else self._awaited().get(end.id)
        if end is None or awaiting is None:
            self._owner.child_ended(command, (), None)
            return
        index, element = awaiting
        if element is None or end.status is not ExecutionStatus.COMPLETED:
            self._owner.child_ended(command, (), self._ended(index, self._outcome(end, index, element)))
        elif (count := self._calls.count(index)) is None:
            # How many elements there are is evaluated first.
            self._early.setdefault(index, []).append(command)
            self._prepare_soon(index)
        else:
            self._owner.child_ended(command, *self._end_of_element(end, index, element, count))

    def _ended(self, index: int, outcome: Outcome) -> Ended:
        return index, self._state.tasks[index].attempt, outcome

    def _outcome(self, end: ChildEnd, index: int, element: int | None) -> Outcome:
        if end.status is ExecutionStatus.COMPLETED:
            return self._shared.attempts.of_child(end.output)
        code = "child_cancelled" if end.status is ExecutionStatus.CANCELLED else "child_failed"
        name = named_workflow(self._state.plan.tasks[index].config)
        of_workflow = "" if name is None else f" of workflow {name!r}"
        return Failed(in_element(TaskError(code, f"execution {end.id}{of_workflow}: {end.message}"), element))

    def _end_of_element(
        self, end: ChildEnd, index: int, element: int, count: int
    ) -> tuple[Sequence[Draft], Ended | None]:
        """What to record of an element that has completed, and the end of the task with its last one."""
        task, attempts = self._state.tasks[index], self._shared.attempts
        outcome = attempts.of_child(end.output, in_list=True)
        if isinstance(outcome, Failed):
            return (), self._ended(index, Failed(in_element(outcome.error, element)))
        output = outcome.output if isinstance(outcome, Succeeded) else None
        if output is not None and (mask := self._preparation.mask) is not None:
            output = mask.json(output)
        data = element_data(element, count, output)
        completed = (Draft(EventType.TASK_ITEM_COMPLETED, index, task.attempt, data=data),)
        if len(task.elements) + 1 < count:
            return completed, None
        outputs = {**task.elements, element: output}
        return completed, self._ended(index, attempts.of_elements(outputs[number] for number in range(count)))

    # The start of children

    def go_on(self) -> None:
        if self._state.is_paused or self._state.is_final:
            return
        for index in list(self._state.open):
            if self._state.tasks[index].waits_for_children:
                self._go_on_with(index)

    def _go_on_with(self, index: int) -> None:
        """Prepare children if some are to be started, or if that is not known yet."""
        task = self._state.tasks[index]
        if self._calls.count(index) is None or self._calls.are_wanted(index):
            self._prepare_soon(index)
        elif self._calls.take_end(index):
            outputs = (task.elements[number] for number in range(len(task.elements)))
            self._report(index, task.attempt, self._shared.attempts.of_elements(outputs))

    def _report(self, index: int, number: int, outcome: Outcome) -> None:
        task = self._state.tasks[index]
        if self._owner is not None and task.attempt == number and task.waits_for_children:
            self._owner.attempt_ended(index, number, outcome)

    def _prepare_soon(self, index: int) -> None:
        number, job = self._state.tasks[index].attempt, self._jobs.get(index)
        if self._owner is None or (job is not None and job.attempt == number):
            return
        if job is not None:
            job.task.cancel()
        task = asyncio.create_task(self._prepare(index), name=f"children of {self._execution.id}/{index}")
        self._jobs[index] = _Job(number, task)
        task.add_done_callback(partial(self._prepared, index, number))

    async def _prepare(self, index: int) -> list[ChildOpening]:
        """Raise `TaskError` when one of the children cannot be started, and what an evaluation raises."""
        await self._calls.evaluate(index)
        elements = [] if self._state.is_paused else self._calls.next_elements(index)
        if not elements:
            return []
        async with self._shared.openings.turn(self._execution, len(elements)):
            return await self._openings(index, elements)

    async def _openings(self, index: int, elements: Sequence[int | None]) -> list[ChildOpening]:
        openings, task = self._shared.openings, self._state.plan.tasks[index]
        known: Known = {}
        prepared = []
        for element in elements:
            try:
                call = await self._calls.call(index, element)
                prepared.append(await openings.prepare(self._execution, task, element, call, known))
            except TaskError as error:
                raise in_element(error, element) from None
        return prepared

    def _prepared(self, index: int, number: int, task: "asyncio.Task[list[ChildOpening]]") -> None:
        job = self._jobs.get(index)
        if job is None or job.task is not task:
            return
        del self._jobs[index]
        if task.cancelled() or self._owner is None:
            return
        error = task.exception()
        if error is not None:
            self._report(index, number, Failed(self._preparation.failure(index, error)))
        for command in self._early.pop(index, ()):
            self.take_end(command)
        if error is not None or self._owner is None:
            return
        if not (openings := task.result()):
            self.go_on()
        elif not self._owner.children_prepared(index, number, openings):
            self._calls.forget(index)


def drafts_of_openings(index: int, number: int, openings: Sequence[ChildOpening]) -> list[Draft]:
    """The events that name new children of attempt `number` of task `index`."""
    return [
        Draft(EventType.TASK_PROGRESSED, index, number, data=child_data(child.id, child.parent.element))
        for child in openings
    ]
