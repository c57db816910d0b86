"""Run ids: the ids that callers choose for the executions that they trigger.

A UUID is the id of the execution. Any other text stands for the UUID of version 5 of that text, in a namespace of the
tenant, so that two tenants can use the same text. A UUID of version 5 that is the id of a run of the tenant means that
run. Any other one is taken as a text, so that no tenant can take the ids that the texts of another one stand for. Why:
docs/decisions/0046-dialects.md.
"""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from app.domain.definitions import text_problems
from app.domain.errors import Invalid

NAMESPACE = uuid5(NAMESPACE_URL, "urn:workflow-execution-service:runs")
"""The namespace of a tenant is the UUID of version 5 of its key, in this one."""

MAX_RUN_ID = 190
KEY_PREFIX = "run_id:"
"""How the idempotency key of an execution begins whose id stands for a text. The text follows."""

VIA_KAFKA = "kafka"
"""What the first event of an execution has as `via` whose start is handed to an engine by a record of Kafka."""

_DERIVED = 5


@dataclass(frozen=True, slots=True)
class RunId:
    """What a caller calls an execution by.

    text: as the caller has written it.
    ids: the ids that the execution may have; the first that exists is meant, and the last is for a new one.
    """

    text: str
    ids: tuple[UUID, ...]

    @property
    def for_new(self) -> UUID:
        return self.ids[-1]

    @property
    def key(self) -> str | None:
        """The idempotency key of a new execution: the text, if its id does not say it."""
        return None if self.for_new == _as_uuid(self.text) else KEY_PREFIX + self.text


def parse_run_id(text: str, tenant: str, field: str = "run_id") -> RunId:
    """The run id in `text`, in the tenant with this key. Raise `Invalid` about `field` if it cannot be one."""
    if problems := text_problems(field, text, MAX_RUN_ID, required=True):
        raise Invalid(problems)
    given = _as_uuid(text)
    if given is None:
        return RunId(text, (derived_id(text, tenant),))
    if given.version != _DERIVED:
        return RunId(text, (given,))
    return RunId(str(given), (given, derived_id(str(given), tenant)))


def derived_id(text: str, tenant: str) -> UUID:
    """The id that a text stands for in the tenant with this key."""
    return uuid5(uuid5(NAMESPACE, tenant), text)


def text_of_key(idempotency_key: str | None) -> str | None:
    """The text that the id of an execution stands for; None if it stands for none."""
    if idempotency_key is None or not idempotency_key.startswith(KEY_PREFIX):
        return None
    return idempotency_key.removeprefix(KEY_PREFIX)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
