"""Converts the cache entry of a ref to bytes and back: a token, and a document or its absence."""

from app.definitions.ports import Absence, Content, StoredDocument
from app.domain.refs import Ref


def pack(token: bytes, content: Content) -> bytes:
    if isinstance(content, Absence):
        return token.hex().encode() + b"\n"
    header = f"{token.hex()} {content.workflow_id} {content.revision} {content.key or ''}\n"
    return header.encode() + content.body


def unpack(ref: Ref, token: bytes | None, entry: bytes | None) -> Content | None:
    """The content of an entry. None when there is no entry, or when it was stored under another token."""
    if token is None or entry is None:
        return None
    header, newline, body = entry.partition(b"\n")
    stored_under, _, facts = header.partition(b" ")
    if not newline or stored_under != token.hex().encode():
        return None
    if not facts:
        return Absence(ref)
    workflow_id, revision, key = facts.decode().split(" ")
    return StoredDocument(int(workflow_id), key or None, int(revision), body)
