"""One entry of the audit log, and the documents in it: without secrets, and not too long."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from app.domain.actions import Action, actor_kind
from app.domain.callers import Caller
from app.masking import NOTHING_HIDDEN, Mask

LONGEST_DOCUMENT = 8_192
"""In bytes. Of a longer document, the entry has the SHA-256 and the size."""

_KEY_TEXT = re.compile(rb"(wfk_[A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
"""An API key within a document, such as a definition. Its prefix stays: it tells which key to revoke."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one caller has changed. Kinds and actions are text: a log can have those of another version.

    tenant_id: the tenant in which the caller acted.
    actor: the principal of the caller.
    actor_kind: what kind of caller it is.
    action: what was done.
    target: to what: `workflow:ID`, `schedule:ID`, `execution:ID`, `suggestion:ID`, `key:PREFIX` or `tenant:KEY`.
    request_id: the id of the request; None for a change without one.
    ip: the address from which the request came; None if it is not known.
    before: the target as it was, JSON text; None if there was none.
    after: the target as it is now, or what was asked for, JSON text; None if there is none.
    """

    tenant_id: int
    actor: str
    actor_kind: str
    action: str
    target: str
    request_id: str | None = None
    ip: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place in the chain.

    number: 1, 2, 3, … within the tenant, without a gap.
    at: when it was written, on the database's clock.
    entry: what was changed.
    prev: the hash of the entry before it.
    hash: its own.
    """

    number: int
    at: datetime
    entry: Entry
    prev: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain.

    number: its number; 0 for a chain without links.
    hash: its hash.
    """

    number: int
    hash: bytes


def nothing_hidden() -> Mask:
    return NOTHING_HIDDEN


@dataclass(frozen=True, slots=True)
class Entries:
    """Makes entries.

    mask: returns what hides the secrets of this process. It is asked for each entry, so new secrets are hidden too.
    """

    mask: Callable[[], Mask] = nothing_hidden

    def of(
        self,
        caller: Caller,
        action: Action,
        target: str,
        before: Document | bytes | None = None,
        after: Document | bytes | None = None,
    ) -> Entry:
        """The entry about a change. Documents that are bytes are JSON in UTF-8."""
        request = caller.request
        return Entry(
            tenant_id=caller.tenant_id,
            actor=caller.principal,
            actor_kind=actor_kind(caller.principal),
            action=action,
            target=target,
            request_id=None if request is None else request.id,
            ip=None if request is None else request.ip,
            before=self._text(before),
            after=self._text(after),
        )

    def _text(self, document: Document | bytes | None) -> str | None:
        if document is None:
            return None
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        if len(body) > LONGEST_DOCUMENT:
            return orjson.dumps({"sha256": sha256(body).hexdigest(), "bytes": len(body)}).decode()
        return self.mask().json(_KEY_TEXT.sub(rb"\1_***", body).decode())


UNMASKED = Entries()
"""For processes without secrets."""
