"""Conditional requests: `If-None-Match` saves a reader the body, `If-Match` saves a writer from a lost update."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header

from app.api.rest.error_responses import Refused
from app.definitions.ports import StoredDocument
from app.domain.errors import RevisionMismatch

ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="ETags that the caller has the contents of; when one of them is current the answer is 304.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="ETags that the caller started from; when none of them is current the answer is 412.",
    ),
]


def matches_weakly(header: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names `etag`; a `W/` in front makes no difference."""
    if header is None:
        return False
    return header.strip() == "*" or any(tag.removeprefix("W/") == etag for tag in ENTITY_TAG.findall(header))


def matches_strongly(header: str, etag: str) -> bool:
    """Whether `If-Match` names `etag`; a weak one promises too little to be written over."""
    return header.strip() == "*" or etag in ENTITY_TAG.findall(header)


async def expected_revision(
    if_match: str | None, if_none_match: str | None, current: Callable[[], Awaitable[StoredDocument]]
) -> int | None:
    """The revision that a change must find, None when any will do; `current` reads the workflow if that is needed."""
    if if_match is None and if_none_match is None:
        return None
    document = await current()
    if if_match is not None and not matches_strongly(if_match, document.etag):
        raise RevisionMismatch(document.key or document.workflow_id, document.revision)
    if matches_weakly(if_none_match, document.etag):
        raise Refused(412, "precondition_failed", f"If-None-Match names the current ETag {document.etag}")
    return None if if_match is None or if_match.strip() == "*" else document.revision
