"""Workflows and tasks as frozen values that check themselves. Every change of a workflow creates a new revision.

A `*Draft` is what a caller sends; a `Task` or `Workflow` is what is stored, with ids and times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.compensation import compensation_problems
from app.domain.errors import Problem
from app.domain.graph import dependency_problems
from app.domain.refs import key_problems
from app.domain.routing import Condition
from app.domain.texts import text_problem

MAX_NAME = 200
MAX_DESCRIPTION = 10_000
MAX_SEQUENCE = 1_000_000
MAX_TIMEOUT_SECONDS = 366 * 24 * 3600.0
MAX_ATTEMPTS = 1_000
MAX_ERROR_CODES = 100
MAX_CONCURRENCY = 1_000
MAX_RETENTION_DAYS = 36_500

Config = Mapping[str, Any]


class ExecutionType(StrEnum):
    """`SYNC` tasks of a group run one after another; the `ASYNC` tasks run after them, concurrently."""

    SYNC = "sync"
    ASYNC = "async"


class OnFailure(StrEnum):
    """The effect of a failed task on its execution: `FAIL` ends it, `CONTINUE` continues with the output `null`."""

    FAIL = "fail"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed attempt is repeated.

    Attempt n (n >= 2) starts `initial_interval_seconds * backoff_coefficient ** (n - 2)` after the failure, but at most
    `max_interval_seconds` after it. Jitter shortens this wait by a random part of up to the fraction `jitter`.

    max_attempts: all attempts, including the first.
    jitter: 0 to 1.
    non_retryable_errors: codes of errors that are not retried.
    """

    max_attempts: int = 1
    initial_interval_seconds: float = 1.0
    backoff_coefficient: float = 2.0
    max_interval_seconds: float = 60.0
    jitter: float = 0.1
    non_retryable_errors: tuple[str, ...] = ()

    def problems(self, path: str) -> list[Problem]:
        rules = (
            ("max_attempts", 1 <= self.max_attempts <= MAX_ATTEMPTS, f"must be from 1 to {MAX_ATTEMPTS}"),
            (
                "initial_interval_seconds",
                0 <= self.initial_interval_seconds <= MAX_TIMEOUT_SECONDS,
                "must be 0 or more",
            ),
            ("backoff_coefficient", 1 <= self.backoff_coefficient <= 100, "must be from 1 to 100"),
            ("max_interval_seconds", 0 <= self.max_interval_seconds <= MAX_TIMEOUT_SECONDS, "must be 0 or more"),
            ("jitter", 0 <= self.jitter <= 1, "must be from 0 to 1"),
            (
                "non_retryable_errors",
                len(self.non_retryable_errors) <= MAX_ERROR_CODES,
                f"has {len(self.non_retryable_errors)} codes; the limit is {MAX_ERROR_CODES}",
            ),
        )
        found = [Problem(f"{path}.{name}", message) for name, kept, message in rules if not kept]
        for index, code in enumerate(self.non_retryable_errors[:MAX_ERROR_CODES]):
            found += text_problems(f"{path}.non_retryable_errors[{index}]", code, MAX_NAME, required=True)
        return found


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task as a caller describes it.

    sequence: the group; groups run in ascending order.
    type: None runs as a `log`, which does nothing and succeeds unless its config has a message or fields.
    config: settings of the task type. Without a type, any settings of the caller's own: see `effective_config`.
    timeout_seconds: the time limit of one attempt; None for no limit.
    depends_on: names of the tasks to wait for; replaces the order of the group, even if empty. None keeps that order.
    compensate: names of the tasks that undo this one if its execution fails or is cancelled; they run only then.
    when: an expression; the task is skipped if it is false.
    for_each: an expression for a list; the task runs once per element.
    max_concurrency: how many elements run at a time; only with `for_each`.
    output_schema: the JSON Schema that the output must match.
    """

    name: str
    execution_type: ExecutionType = ExecutionType.SYNC
    description: str | None = None
    sequence: int = 0
    type: str | None = None
    config: Config = field(default_factory=dict)
    timeout_seconds: float | None = None
    retry: RetryPolicy | None = None
    depends_on: tuple[str, ...] | None = None
    on_failure: OnFailure = OnFailure.FAIL
    compensate: tuple[str, ...] = ()
    when: str | None = None
    for_each: str | None = None
    max_concurrency: int | None = None
    output_schema: Config | None = None

    @property
    def effective_config(self) -> Config:
        """The part of `config` that is checked, that expressions are evaluated in, and that the handler gets.

        Without a type these are `fields`, and `message` if it is a text: what a `log` can use. Everything else is the
        caller's own and is only stored (docs/decisions/0028-config-without-a-type.md).
        """
        if self.type is not None:
            return self.config
        return {name: value for name, value in self.config.items() if _is_for_log(name, value)}

    def problems(self, path: str = "") -> list[Problem]:
        """Every broken rule of this task by itself. The task type checks `config`."""
        dot = f"{path}." if path else ""
        found = text_problems(f"{dot}name", self.name, MAX_NAME, required=True)
        found += text_problems(f"{dot}description", self.description, MAX_DESCRIPTION)
        if not 0 <= self.sequence <= MAX_SEQUENCE:
            found.append(Problem(f"{dot}sequence", f"must be from 0 to {MAX_SEQUENCE}"))
        found += timeout_problems(f"{dot}timeout_seconds", self.timeout_seconds)
        if self.retry is not None:
            found += self.retry.problems(f"{dot}retry")
        return found + self._loop_problems(f"{dot}max_concurrency")

    def _loop_problems(self, path: str) -> list[Problem]:
        if self.max_concurrency is None:
            return []
        if self.for_each is None:
            return [Problem(path, "needs `for_each`: a task that runs once runs one at a time")]
        kept = 1 <= self.max_concurrency <= MAX_CONCURRENCY
        return [] if kept else [Problem(path, f"must be from 1 to {MAX_CONCURRENCY}")]


def _is_for_log(name: str, value: Any) -> bool:
    return name == "fields" or (name == "message" and isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Task(TaskDraft):
    """A stored task. `id` is unique across all workflows and stays the same in every revision."""

    id: int = 0
    workflow_id: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkflowDraft:
    """A workflow as a caller describes it.

    tasks: None keeps the stored tasks when the draft replaces a workflow.
    timeout_seconds: the time limit of an execution from its start, pauses included.
    variables: available to expressions as `vars`.
    secrets: the names of the secrets that its expressions may use.
    input_schema: the JSON Schema that the input must match.
    retention_days: how long ended executions are kept; 0 is without limit, None is as the service is configured.
    start_task: the first task of a routed workflow; `conditions` then lead from task to task.
    max_visits: how often each task can run in a routed workflow; None is 100.
    """

    name: str
    description: str | None = None
    key: str | None = None
    tasks: tuple[TaskDraft, ...] | None = None
    timeout_seconds: float | None = None
    variables: Config = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    input_schema: Config | None = None
    retention_days: float | None = None
    start_task: str | None = None
    conditions: tuple[Condition, ...] = ()
    max_visits: int | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """One complete revision of a workflow. `tasks` are ordered by (sequence, id)."""

    id: int
    key: str | None
    name: str
    description: str | None
    revision: int
    tasks: tuple[Task, ...]
    created_at: datetime
    updated_at: datetime
    timeout_seconds: float | None = None
    variables: Config = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    input_schema: Config | None = None
    retention_days: float | None = None
    start_task: str | None = None
    conditions: tuple[Condition, ...] = ()
    max_visits: int | None = None


def workflow_problems(
    draft: WorkflowDraft, tasks: Sequence[TaskDraft], config_problems: Callable[[TaskDraft, str], list[Problem]]
) -> list[Problem]:
    """Every broken rule of a whole workflow except cycles. `config_problems(task, path)` checks configs."""
    found = text_problems("name", draft.name, MAX_NAME, required=True)
    found += text_problems("description", draft.description, MAX_DESCRIPTION)
    found += key_problems(draft.key)
    found += timeout_problems("timeout_seconds", draft.timeout_seconds)
    found += _retention_problems(draft.retention_days)
    first_with: dict[str, int] = {}
    for index, task in enumerate(tasks):
        path = f"tasks[{index}]"
        found += task.problems(path)
        found += config_problems(task, path)
        if (first := first_with.setdefault(task.name, index)) != index:
            found.append(Problem(f"{path}.name", f"{task.name!r} is already the name of tasks[{first}]"))
    found += dependency_problems(tasks)
    found += compensation_problems(tasks)
    return found


def _retention_problems(days: float | None) -> list[Problem]:
    if days is None or 0 <= days <= MAX_RETENTION_DAYS:
        return []
    return [Problem("retention_days", f"must be from 0, which keeps them without limit, to {MAX_RETENTION_DAYS}")]


def timeout_problems(path: str, seconds: float | None) -> list[Problem]:
    if seconds is None or 0 < seconds <= MAX_TIMEOUT_SECONDS:
        return []
    return [Problem(path, f"must be more than 0 and at most {MAX_TIMEOUT_SECONDS:.0f}")]


def text_problems(path: str, text: str | None, limit: int, *, required: bool = False) -> list[Problem]:
    """Problems of a text: it must be within `limit`, storable in PostgreSQL, and not blank if it is required."""
    if text is None:
        return []
    if required and not text.strip():
        return [Problem(path, "must not be blank")]
    if len(text) > limit:
        return [Problem(path, f"has {len(text)} characters; the limit is {limit}")]
    if (problem := text_problem(text)) is not None:
        return [Problem(path, problem)]
    return []
