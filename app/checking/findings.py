"""The findings of a check of stored executions."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Rule(StrEnum):
    """The rules that a history must satisfy. The values are part of the command's output."""

    NUMBERING = "numbering"
    OPENING = "opening"
    EXECUTION_TRANSITION = "execution-transition"
    ENDING = "ending"
    AFTER_THE_END = "after-the-end"
    UNKNOWN_TASK = "unknown-task"
    TASK_TRANSITION = "task-transition"
    COMPLETED_TWICE = "completed-twice"
    ATTEMPT = "attempt"
    OPEN_AT_THE_END = "open-at-the-end"
    INCOMPLETE = "incomplete"
    DEPENDENCY = "dependency"
    OVERLAP = "overlap"
    COMPENSATION = "compensation"
    REUSE = "reuse"
    STARTED_WHILE_STOPPING = "started-while-stopping"
    STARTED_WHILE_NOT_RUNNING = "started-while-not-running"
    PROGRESS = "progress"
    CLOCK = "clock"
    ROW = "row"
    NO_ROW = "no-row"
    NO_EVENTS = "no-events"
    NO_REVISION = "no-revision"
    ORPHANED = "orphaned"
    COMMAND = "command"
    FAMILY = "family"
    TENANT = "tenant"
    FAMILY_SIZE = "family-size"
    FEED = "feed"
    ENTITY = "entity"

    @property
    def is_warning(self) -> bool:
        """True for a finding that need not mean a defect: clocks of engines differ; a limit was higher before."""
        return self in (Rule.CLOCK, Rule.FAMILY_SIZE)


NO_EXECUTION = UUID(int=0)
"""Stands in findings that are about no single execution: about revisions, schedules, the feed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    execution_id: the execution, or the entity.
    sequence: the number of the event that breaks it; 0 if no single event does.
    """

    execution_id: UUID
    sequence: int
    rule: Rule
    sentence: str

    def __str__(self) -> str:
        warning = "warning: " if self.rule.is_warning else ""
        return f"{self.execution_id} {self.sequence} {self.rule}: {warning}{self.sentence}"
