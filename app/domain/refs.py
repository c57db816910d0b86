"""The names of workflows and schedules of a tenant: an id or a key. Text is parsed where a request comes in."""

import re
from dataclasses import dataclass

from app.domain.errors import NotFound, Problem

MAX_ID = 2**63 - 1
KEY_PATTERN = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,98}[a-zA-Z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """Names a workflow or a schedule of a tenant, by its id or its key. `parse_ref` is the inverse of `str`.

    tenant_id: the tenant. Equal names of two tenants are two refs, wherever refs are keys.
    id: from 0 to `MAX_ID`.
    key: one without `key_problems`. `A` and `a` are two keys.
    """

    tenant_id: int
    id: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        return str(self.id) if self.key is None else self.key


def parse_ref(text: str, tenant_id: int, kind: str = "workflow") -> Ref:
    """The id or the key in `text`, in a tenant. Raise `NotFound` for the `kind` of thing if it can be neither."""
    if text.isascii() and text.isdigit():
        # Python refuses to parse very long numbers, and the database has 64 bits.
        if len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID:
            return Ref(tenant_id=tenant_id, id=int(text))
    elif KEY_PATTERN.fullmatch(text):
        return Ref(tenant_id=tenant_id, key=text)
    raise NotFound(kind, text)


def key_problems(key: str | None) -> list[Problem]:
    """Problems of a key: it must be a slug that cannot be mistaken for an id."""
    if key is None:
        return []
    if not KEY_PATTERN.fullmatch(key):
        return [Problem("key", "must be 1 to 100 of a-z A-Z 0-9 . _ - and start and end with a letter or digit")]
    return [Problem("key", "must not be all digits: it would read as an id")] if key.isdigit() else []
