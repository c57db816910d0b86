"""What the code of a failure says about trying again."""

import re

from app.insights.samples import Attempt

NOT_RETRYABLE = frozenset(
    {
        "bad_output", "child_not_started", "expression_failed", "expression_too_costly", "http_address_refused",
        "http_body", "http_redirect", "http_too_large", "invalid_config", "kafka_off", "output_schema",
        "secret_would_be_stored", "too_deep", "too_many_descendants", "topic_refused", "unknown_task_type",
    }
)  # fmt: skip
"""Codes of errors that the service itself does not retry, whatever a policy says."""

TRANSIENT = frozenset({"http_connection", "http_timeout", "timeout", "connection"})
TRANSIENT_STATUSES = frozenset({408, 429, 502, 503, 504})
OVERLOAD = frozenset({"http_timeout", "timeout"})
OVERLOAD_STATUSES = frozenset({429, 503})

_STATUS = re.compile(r" answered (\d{3})\b")


def status_of(attempt: Attempt) -> int | None:
    """The status that a server has answered with, for a failure that is due to one."""
    found = _STATUS.search(attempt.message) if attempt.code == "http_status" else None
    return None if found is None else int(found[1])


def may_be_retried(attempt: Attempt) -> bool:
    status = status_of(attempt)
    if status is not None:
        return status in (408, 429) or status >= 500
    return attempt.code not in NOT_RETRYABLE


def is_transient(attempt: Attempt) -> bool:
    """Whether the code alone says that another try may do better."""
    return attempt.code in TRANSIENT or status_of(attempt) in TRANSIENT_STATUSES


def is_overload(attempt: Attempt) -> bool:
    return attempt.code in OVERLOAD or status_of(attempt) in OVERLOAD_STATUSES
