"""What is audited: the changes that callers make, by name, and who makes them."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.callers import Caller


class Action(StrEnum):
    """One kind of change. Starts are not among them: the row of an execution says who has started it.

    A change of a task is a revision of its workflow.
    """

    WORKFLOW_CREATE = "workflow.create"
    WORKFLOW_CHANGE = "workflow.change"
    WORKFLOW_DELETE = "workflow.delete"
    WORKFLOW_RESTORE = "workflow.restore"
    TASK_CREATE = "task.create"
    TASK_CHANGE = "task.change"
    TASK_DELETE = "task.delete"
    SCHEDULE_CREATE = "schedule.create"
    SCHEDULE_CHANGE = "schedule.change"
    SCHEDULE_PAUSE = "schedule.pause"
    SCHEDULE_RESUME = "schedule.resume"
    SCHEDULE_DELETE = "schedule.delete"
    MACHINE_CREATE = "machine.create"
    MACHINE_CHANGE = "machine.change"
    MACHINE_DELETE = "machine.delete"
    MACHINE_RESTORE = "machine.restore"
    MACHINE_MIGRATE = "machine.migrate"
    EXECUTION_CANCEL = "execution.cancel"
    EXECUTION_PAUSE = "execution.pause"
    EXECUTION_RESUME = "execution.resume"
    EXECUTION_SKIP = "execution.skip"
    EXECUTION_SIGNAL = "execution.signal"
    EXECUTION_RETRY = "execution.retry"
    EXECUTION_RERUN = "execution.rerun"
    KEY_CREATE = "key.create"
    KEY_BOOTSTRAP = "key.bootstrap"
    KEY_ROTATE = "key.rotate"
    KEY_REVOKE = "key.revoke"
    SUGGESTION_CREATE = "suggestion.create"
    SUGGESTION_APPROVE = "suggestion.approve"
    SUGGESTION_REJECT = "suggestion.reject"
    SUGGESTION_UNDO = "suggestion.undo"
    SESSION_BEGIN = "session.begin"
    SESSION_END = "session.end"
    TENANT_CREATE = "tenant.create"
    TENANT_CHANGE = "tenant.change"


class ActorKind(StrEnum):
    """What kind of caller made a change.

    ANONYMOUS: everyone, while authentication is off.
    KEY: a program with an API key.
    TOKEN: the subject of a token of an identity provider.
    COMMAND: the `workflow` command, in the database itself.
    KAFKA: a program that can write to a topic.
    """

    ANONYMOUS = "anonymous"
    KEY = "key"
    TOKEN = "token"
    COMMAND = "command"
    KAFKA = "kafka"


@dataclass(frozen=True, slots=True)
class Act:
    """A change that a caller makes: what a store needs for the entry in the audit log.

    caller: who makes it.
    action: what is done.
    """

    caller: Caller
    action: Action


_KINDS = {
    "key": ActorKind.KEY,
    "token": ActorKind.TOKEN,
    "command": ActorKind.COMMAND,
    "kafka": ActorKind.KAFKA,
}


def actor_kind(principal: str) -> ActorKind:
    """The kind of a principal, by what stands before its colon. Raise `ValueError` for one that no caller has."""
    if principal == ActorKind.ANONYMOUS:
        return ActorKind.ANONYMOUS
    kind = _KINDS.get(principal.partition(":")[0])
    if kind is None:
        raise ValueError(f"{principal!r} is no principal")
    return kind
