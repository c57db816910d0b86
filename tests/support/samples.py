"""Samples for the rules of suggestions, in few words."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from app.domain.definitions import Task, Workflow
from app.insights.samples import Attempt, Execution, Outcome, Sample, TaskRun, TaskSample

NOW = 1_770_000_000.0
HOUR = 3_600.0
BORN = datetime(2025, 1, 1, tzinfo=UTC)


def workflow_of(*tasks: Task, revision: int = 1) -> Workflow:
    tasks = tuple(replace(task, created_at=BORN, updated_at=BORN) for task in tasks)
    return Workflow(1, "w", "w", None, revision, tasks, BORN, BORN)


def attempt(
    number: int = 1,
    at: float = NOW,
    seconds: float = 1.0,
    outcome: Outcome = Outcome.COMPLETED,
    code: str = "",
    message: str = "",
) -> Attempt:
    return Attempt(number, at, seconds, outcome, code, message)


def failure(code: str, number: int = 1, at: float = NOW, message: str = "", seconds: float = 1.0) -> Attempt:
    return Attempt(number, at, seconds, Outcome.FAILED, code, message)


def run(*attempts: Attempt, output_bytes: int = 0) -> TaskRun:
    last = attempts[-1]
    ended = None if last.outcome is Outcome.OPEN else last.at + last.seconds
    return TaskRun(attempts, last.outcome, ended, output_bytes)


SKIPPED = TaskRun((), Outcome.CANCELLED, NOW)


def execution(
    number: int,
    runs: Mapping[int, Sequence[TaskRun]],
    at: float = NOW,
    input: str | None = None,
    origin: UUID | None = None,
) -> Execution:
    completed = all(one.outcome is not Outcome.FAILED for found in runs.values() for one in found)
    digest = f"{number}" if input is None else input
    return Execution(UUID(int=number + 1), 1, at, at, at + 5, completed, origin, digest, runs)


def sample_of(task: Task, runs: Sequence[TaskRun], *, days: float = 10.0, **options: str) -> TaskSample:
    """One execution for each run, an hour after the other."""
    workflow = workflow_of(task)
    executions = [
        execution(number, {task.id: [one]}, NOW - days * 86_400 + number * HOUR / 4, **options)
        for number, one in enumerate(runs)
    ]
    return TaskSample(task, Sample(workflow, executions, (), NOW))


def spread(count: int, make: Callable[[int, float], TaskRun]) -> list[TaskRun]:
    """Runs in different hours: `make(number, at)`."""
    return [make(number, NOW - 9 * 86_400 + number * HOUR) for number in range(count)]


def lognormal(seed: int, count: int, spread_of: float = 0.3) -> list[float]:
    chance = random.Random(seed)
    return [chance.lognormvariate(0, spread_of) for _ in range(count)]
