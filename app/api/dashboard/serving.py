"""Serves the dashboard at `/ui/`, and the page of the documentation.

Pages name their files by relative paths, so they work under every sub-path that a proxy takes off.
"""

import asyncio
import re
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.dashboard.assets import Asset, Assets

ROOT = "/ui/"
FILES = "a/"
"""Below `ROOT`: the files, each under the digest of all."""

INDEX, DOCUMENTATION = "index.html", "docs.html"
PLACE = "{assets}"
"""Where a page names the folder of its files."""

WITHOUT_LIMIT = "public, max-age=31536000, immutable"
_OWN = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
POLICY = f"{_OWN}; img-src 'self' data:"
DOCUMENTATION_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'"
"""Swagger UI sets styles in attributes."""

HEADERS = {"Referrer-Policy": "same-origin"}
_REFUSED = re.compile(rb"q\s*=\s*0(\.0*)?")


class Dashboard:
    """The pages and files.

    assets: the files.
    has_pages: False if only the documentation is served.
    """

    def __init__(self, assets: Assets, *, has_pages: bool = True) -> None:
        self._assets = assets
        self.has_pages = has_pages

    def serves(self, scope: Scope) -> bool:
        """Whether GET of this path is served here."""
        path = _raw_path(scope)
        return path.startswith(ROOT + FILES) or (self.has_pages and (path.startswith(ROOT) or path == ROOT[:-1]))

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response to a GET or HEAD of a path that is served here."""
        response = await self._response(scope)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        path, headers = _raw_path(scope), _headers(scope)
        if path == ROOT[:-1]:
            return Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": "ui/"})
        rest = path.removeprefix(ROOT)
        if rest.startswith(FILES):
            return await self._file(rest.removeprefix(FILES), headers)
        depth = rest.count("/")
        return self._page(INDEX, "../" * depth or "./", POLICY, headers)

    def documentation(self, scope: Scope) -> Response:
        """The page that shows the OpenAPI document. It lies beside `ROOT`, not within."""
        depth = _raw_path(scope).lstrip("/").count("/")
        return self._page(DOCUMENTATION, "../" * depth + ROOT[1:], DOCUMENTATION_POLICY, _headers(scope))

    def _page(self, name: str, root: str, policy: str, headers: Mapping[bytes, bytes]) -> Response:
        body = self._assets.page(name).replace(PLACE, f"{root}{FILES}{self._assets.digest}").encode()
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        kept = {**HEADERS, "ETag": etag, "Cache-Control": "no-cache", "Content-Security-Policy": policy}
        if headers.get(b"if-none-match") == etag.encode():
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)
        return Response(body, headers=kept, media_type="text/html")

    async def _file(self, name: str, headers: Mapping[bytes, bytes]) -> Response:
        digest, _, path = name.partition("/")
        asset = self._assets.find(path) if digest == self._assets.digest else None
        if asset is None:  # of another version, or of none: it must not be kept
            return Response("no such file\n", HTTPStatus.NOT_FOUND, {"Cache-Control": "no-store"}, "text/plain")
        kept = {**HEADERS, "Cache-Control": WITHOUT_LIMIT, "Vary": "Accept-Encoding"}
        encoding = _encoding(headers)
        if encoding == "gzip":
            body = await asyncio.to_thread(self._assets.packed, path, asset)
            return Response(body, headers=kept | {"Content-Encoding": encoding, "Content-Type": asset.media_type})
        return _plain(asset, kept)


def prefers_pages(accept: bytes) -> bool:
    """Whether a client that sends this header `Accept` shows pages to people."""
    return b"text/html" in accept.lower()


def _plain(asset: Asset, headers: Mapping[str, str]) -> Response:
    return Response(asset.plain, headers={**headers, "Content-Type": asset.media_type})


def _encoding(headers: Mapping[bytes, bytes]) -> Literal["gzip", "identity"]:
    """What the client accepts (RFC 9110, 12.5.3). `*` stands for what is not named, and a weight of 0 refuses."""
    accepted = dict(_weighted(item) for item in headers.get(b"accept-encoding", b"").lower().split(b","))
    return "gzip" if accepted.get(b"gzip", accepted.get(b"*", False)) else "identity"


def _weighted(item: bytes) -> tuple[bytes, bool]:
    """A coding, and whether it is accepted."""
    coding, *parameters = (part.strip() for part in item.split(b";"))
    return coding, not any(_REFUSED.fullmatch(parameter) for parameter in parameters)


def _raw_path(scope: Scope) -> str:
    """As browsers have it, in which `%2F` is no slash."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])
