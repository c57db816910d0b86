"""Conditional requests: with `If-None-Match` an unchanged body is not sent, with `If-Match` no update is lost."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header

from app.api.rest.error_responses import Refused
from app.definitions.ports import StoredDocument
from app.domain.errors import RevisionMismatch, ServiceError

ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="ETags of the contents that the caller has; if one of them is current, the response is 304.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETags of the contents that the caller changes; if none of them is current, the response is 412.",
    ),
]


def matches_weakly(header: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names `etag`; weak ETags (`W/`) also match."""
    if header is None:
        return False
    return header.strip() == "*" or any(tag.removeprefix("W/") == etag for tag in ENTITY_TAG.findall(header))


def matches_strongly(header: str, etag: str) -> bool:
    """Whether `If-Match` names `etag`. Weak ETags do not match, because they do not promise identical contents."""
    return header.strip() == "*" or etag in ENTITY_TAG.findall(header)


async def expected_revision(
    if_match: str | None, if_none_match: str | None, current: Callable[[], Awaitable[StoredDocument]]
) -> int | None:
    """The revision that must be current for the change; None allows any. `current` reads the workflow when needed.

    Raise `RevisionMismatch` or `Refused` (412) when the headers exclude the current revision.
    """
    if if_match is None and if_none_match is None:
        return None
    document = await current()
    mismatch = RevisionMismatch(document.key or document.workflow_id, document.revision)
    return expected_version(if_match, if_none_match, document.etag, document.revision, mismatch)


def expected_version(
    if_match: str | None, if_none_match: str | None, etag: str, version: int, mismatch: ServiceError
) -> int | None:
    """As `expected_revision`, for what is read already: `version` and its `etag`. `mismatch` is raised, too."""
    if if_match is not None and not matches_strongly(if_match, etag):
        raise mismatch
    if matches_weakly(if_none_match, etag):
        raise Refused(412, "precondition_failed", f"If-None-Match names the current ETag {etag}")
    return None if if_match is None or if_match.strip() == "*" else version
