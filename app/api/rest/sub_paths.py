"""Under which sub-path the service can be reached: `/flows`, if a proxy sends `/flows/ui/` here as `/ui/`.

A proxy that is trusted says so in `X-Forwarded-Prefix`; uvicorn's `--root-path` says it for all requests, and then
uvicorn adds it to each path.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from app.identity.identity import Identity

HEADER = b"x-forwarded-prefix"
LONGEST = 200
_FORM = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_KEY = "workflow.sub_path"


def prefix_of(scope: Scope) -> str:
    """What stands before the paths of this service in a browser; empty for nothing."""
    found: str = scope.get(_KEY, "")
    return found


def comes_from_proxy(scope: Scope) -> bool:
    """Whether a request comes from a proxy that is trusted. What others say of their clients means nothing."""
    client = scope.get("client")
    identity: Identity = scope["app"].state.services.identity
    return identity.addresses.trusts(client[0] if client else None)


class SubPaths:
    """Takes the sub-path off, so that everything behind finds the same paths and the same permissions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = _without_root(scope)
        await self._app(scope, receive, send)


def _without_root(scope: Scope) -> Scope:
    root = scope.get("root_path", "")
    if not root:
        forwarded = _forwarded(scope)
        return dict(scope, **{_KEY: forwarded}) if forwarded else scope
    path, raw = scope["path"], scope.get("raw_path") or scope["path"].encode()
    if path.startswith(root + "/"):
        path, raw = path.removeprefix(root), raw.removeprefix(root.encode())
    return dict(scope, path=path, raw_path=raw, root_path="", **{_KEY: root})


def _forwarded(scope: Scope) -> str:
    """What a trusted proxy says. Others could send a browser anywhere."""
    given = [value for name, value in scope["headers"] if name == HEADER]
    if len(given) != 1:
        return ""
    prefix: str = given[0].decode("latin-1").rstrip("/")
    if len(prefix) > LONGEST or not _FORM.fullmatch(prefix) or not comes_from_proxy(scope):
        return ""
    return prefix
