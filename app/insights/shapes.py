"""Shapes: whether a task, or the whole workflow, does in one revision what it does in another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson

from app.domain.definitions import Task, Workflow
from app.domain.documents import condition_document, retry_document
from app.insights.samples import Execution, Sample, TaskSample


def shape_of(task: Task) -> str:
    """Equal for a task that runs in the same way: its type, config, retries, time limit, and what it runs for."""
    retry = None if task.retry is None else retry_document(task.retry)
    return _digest([*_work_of(task), task.timeout_seconds, retry])


def shape_of_workflow(workflow: Workflow) -> str:
    """Equal for workflows whose tasks do the same in the same order, with whatever retries and time limits."""
    tasks = [[*_place_of(task), *_work_of(task)] for task in workflow.tasks]
    conditions = [condition_document(one) for one in workflow.conditions]
    return _digest([tasks, workflow.start_task, conditions])


def _work_of(task: Task) -> list[Any]:
    return [task.type, dict(task.effective_config), task.for_each, task.max_concurrency]


def _place_of(task: Task) -> list[Any]:
    return [task.id, task.execution_type, task.sequence, task.depends_on, task.when, list(task.compensate)]


def _digest(value: object) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Shapes:
    """Which executions of a sample may be looked at for what.

    sample: all executions that were read.
    revisions: their revisions.
    """

    def __init__(self, sample: Sample, revisions: Mapping[int, Workflow]) -> None:
        self._sample = sample
        self._tasks = {
            number: {task.id: shape_of(task) for task in workflow.tasks} for number, workflow in revisions.items()
        }
        self._workflows = {number: shape_of_workflow(workflow) for number, workflow in revisions.items()}

    def of_task(self, task: Task) -> TaskSample:
        shape = shape_of(task)
        fitting = {number for number, shapes in self._tasks.items() if shapes.get(task.id) == shape}
        return TaskSample(task, self._of(fitting))

    def of_workflow(self) -> Sample:
        shape = shape_of_workflow(self._sample.workflow)
        return self._of({number for number, found in self._workflows.items() if found == shape})

    def _of(self, revisions: set[int]) -> Sample:
        return replace(
            self._sample,
            executions=_at(self._sample.executions, revisions),
            open=_at(self._sample.open, revisions),
        )


def _at(executions: Sequence[Execution], revisions: set[int]) -> Sequence[Execution]:
    return [one for one in executions if one.revision in revisions]
