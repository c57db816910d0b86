"""The cookie of a session of the dashboard, and when it counts."""

from collections.abc import Sequence

from starlette.types import Scope

from app.api.rest.browser_guard import sender_of_page
from app.api.rest.sub_paths import comes_from_proxy, prefix_of
from app.domain.errors import PermissionDenied

NAME = "workflow_session"
_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})
_START = NAME.encode() + b"="
_PROTOCOL = b"x-forwarded-proto"


def session_of(scope: Scope) -> bytes | None:
    """The text in the cookie; None without one."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            for item in value.split(b";"):
                if (pair := item.strip()).startswith(_START):
                    return bytes(pair[len(_START) :]) or None
    return None


def presented_session(scope: Scope) -> Sequence[bytes]:
    """The session as the value of a header `Authorization`; empty without one.

    A browser adds the cookie by itself, so a request that changes something, or opens a socket, must come from a page
    of this service. Raise `PermissionDenied` if it does not.
    """
    text = session_of(scope)
    if text is None:
        return ()
    reads = scope["type"] == "http" and scope["method"] in _CHANGES_NOTHING
    if not reads and not _is_from_own_page(scope):
        raise PermissionDenied("a session counts only for requests of the service's own pages", "foreign_origin")
    return (b"Bearer " + text,)


def _is_from_own_page(scope: Scope) -> bool:
    sender = sender_of_page(scope)
    if sender.site is not None:
        return sender.site == b"same-origin"
    return bool(sender.origin and sender.host and sender.origin.partition(b"://")[2].lower() == sender.host.lower())


def _is_encrypted(scope: Scope) -> bool:
    """Whether the browser's connection is: to this process, or to a trusted proxy that says so."""
    forwarded = [value for name, value in scope["headers"] if name == _PROTOCOL]
    return scope["scheme"] == "https" or (forwarded == [b"https"] and comes_from_proxy(scope))


def cookie(scope: Scope, text: str, seconds: float) -> str:
    """The header that sets the cookie; no text and 0 seconds remove it."""
    secure = "; Secure" if _is_encrypted(scope) else ""
    return f"{NAME}={text}; Path={prefix_of(scope)}/; Max-Age={int(seconds)}; HttpOnly; SameSite=Strict{secure}"
