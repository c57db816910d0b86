"""The errors of the service, independent of the transport. `api/*/errors.py` maps each class once.

ServiceError
├── NotFound            the named thing does not exist
├── Invalid             the request breaks rules; carries every problem with its path
├── Conflict            a unique name is taken
│   ├── IdempotencyMismatch  the key was used with another input
│   └── RunIdTaken           the run id stands for an execution of another workflow
├── InUse               other workflows call the one that is to be deleted
├── RevisionMismatch    the caller edited an older revision
├── Outdated            the caller sent back what it had read before another change
├── WrongState          the execution's state does not allow the request
├── TooLarge            a value is over a limit
├── Unauthenticated     it is not known who calls
├── PermissionDenied    the caller may not do this
├── RateLimited         there were too many requests in the last minute
├── QuotaExceeded       the tenant has used up what it may use
│   └── StartsExceeded  of starts in a second
├── PositionExpired     the events behind this position of the feed have been removed
└── Unavailable         the service cannot handle the call now; the same call may succeed later
"""

from collections.abc import Sequence
from dataclasses import dataclass

CREDENTIALS_MISSING = "credentials_missing"
CREDENTIALS_EXPIRED = "credentials_expired"
RATE_SECONDS = 60
"""The window of all limits on the number of requests."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule. `path` names the field as the caller wrote it, e.g. `tasks[2].retry.jitter`."""

    path: str
    message: str


class ServiceError(Exception):
    """Base of all expected errors. `code` is stable and part of both API contracts."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(ServiceError):
    """The thing named by `kind` and `ref` does not exist.

    kind: workflow, task, revision, execution, schedule, flow, flow_run, machine, entity or suggestion.
    ref: its id, key or name, as it was asked for.
    """

    def __init__(self, kind: str, ref: object) -> None:
        super().__init__(f"{kind} {str(ref)!r} does not exist")
        self.kind = kind
        self.ref = str(ref)
        self.code = f"{kind}_not_found"


class Invalid(ServiceError):
    """The request breaks one or more rules; `problems` lists all of them."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in problems))
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: str, message: str) -> "Invalid":
        return cls([Problem(path, message)])


class Conflict(ServiceError):
    """A value that must be unique is taken. `field` names it."""

    code = "conflict"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class IdempotencyMismatch(Conflict):
    """The idempotency key has started an execution with another input. `execution_id` is that execution."""

    code = "idempotency_mismatch"

    def __init__(self, key: str | None, execution_id: object) -> None:
        message = f"the key {key!r} has started execution {execution_id} with another input; use another key"
        super().__init__("idempotency_key", message)
        self.execution_id = execution_id


class RunIdTaken(Conflict):
    """The run id is that of an execution of another workflow, or of one that the caller's tenant does not have."""

    code = "run_id_taken"

    def __init__(self, text: str) -> None:
        super().__init__("run_id", f"the run id {text!r} is taken, and not by this workflow; choose another")


class InUse(ServiceError):
    """Other workflows call this one. `callers` are their names, quoted, for the message."""

    code = "workflow_in_use"

    def __init__(self, ref: object, callers: Sequence[str]) -> None:
        super().__init__(f"workflow {str(ref)!r} is called by {', '.join(callers)}; their tasks would fail without it")


class RevisionMismatch(ServiceError):
    """The caller's precondition names another revision than the current one."""

    code = "revision_mismatch"

    def __init__(self, ref: object, current: int, kind: str = "workflow") -> None:
        super().__init__(f"{kind} {str(ref)!r} is at revision {current}; read it again and repeat the change")
        self.current = current


class Outdated(ServiceError):
    """The caller sends back a field that has changed since it was read. `field` names it."""

    code = "outdated"

    def __init__(self, field: str, current: str, stated: str) -> None:
        super().__init__(
            f"{field} is {current} now, not {stated}: there was a change in between; read again and repeat yours"
        )
        self.field = field


class WrongState(ServiceError):
    """The state of the execution does not allow the request."""

    code = "wrong_state"


class TooLarge(ServiceError):
    """A value is over its limit. `limit` and `actual` are in bytes unless the message says otherwise."""

    code = "too_large"

    def __init__(self, field: str, limit: int, actual: int | None = None, unit: str = "bytes") -> None:
        size = "more" if actual is None else f"{actual}"
        super().__init__(f"{field} has {size} {unit}; the limit is {limit} {unit}")
        self.field = field
        self.limit = limit
        self.actual = actual


class Unauthenticated(ServiceError):
    """It is not known who calls: the credentials are missing, not valid, or no longer valid.

    code: `credentials_missing`, `credentials_invalid` or `credentials_expired`.
    """

    code = "credentials_invalid"

    def __init__(self, message: str, code: str = code) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def missing(cls) -> "Unauthenticated":
        return cls(
            "send an API key or a token: `Authorization: Bearer …`, or a key as `x-api-key`", CREDENTIALS_MISSING
        )

    @classmethod
    def expired(cls, what: str) -> "Unauthenticated":
        """`what` is `API key` or `token`."""
        return cls(f"the {what} is no longer valid: it has expired or was revoked", CREDENTIALS_EXPIRED)


class PermissionDenied(ServiceError):
    """The caller may not do this.

    code: `permission_denied` or `tenant_suspended`.
    """

    code = "permission_denied"

    def __init__(self, message: str, code: str = code) -> None:
        super().__init__(message)
        self.code = code


class RateLimited(ServiceError):
    """There were too many requests in the last minute. The same request succeeds later.

    policy: which limit: `address`, `credentials` or `caller`.
    per_minute: how many requests a minute it allows.
    retry_after: seconds after which the next request may be allowed.
    """

    code = "rate_limited"

    def __init__(self, policy: str, what: str, per_minute: int, retry_after: int) -> None:
        super().__init__(f"{what} in a minute; the limit is {per_minute}; try again in {retry_after} s")
        self.policy = policy
        self.per_minute = per_minute
        self.retry_after = retry_after


class QuotaExceeded(ServiceError):
    """The tenant has used up one of its limits. `limit` names it."""

    code = "quota_exceeded"

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit

    @classmethod
    def of_definitions(cls, most: int) -> "QuotaExceeded":
        return cls(
            "max_definitions",
            f"the tenant has {most} workflows or more, which is its limit; delete one, or have the limit raised",
        )


class StartsExceeded(QuotaExceeded):
    """The callers of the tenant have started too many executions in the last second.

    retry_after: seconds after which the same request may succeed.
    """

    def __init__(self, per_second: int, retry_after: int) -> None:
        super().__init__(
            "starts_per_second",
            f"the tenant may start {per_second} executions per second and has started them; "
            f"try again in {retry_after} s",
        )
        self.retry_after = retry_after


class PositionExpired(ServiceError):
    """What follows this position of the feed has been removed. `oldest` is the lowest position to read on from."""

    code = "position_expired"

    def __init__(self, position: int, oldest: int) -> None:
        super().__init__(
            f"the events behind position {position} have been removed; read on from {oldest}, the oldest that is kept"
        )
        self.position = position
        self.oldest = oldest


class Unavailable(ServiceError):
    """The service cannot handle the call now; the same call may succeed later."""

    code = "unavailable"
