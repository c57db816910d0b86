"""Serves paths with a slash at the end like those without, and HEAD like GET without the body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PathsAsWritten:
    """Sends `GET /workflows/` and `HEAD /workflows` to the route of `GET /workflows`, without a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope = dict(scope, path=path[:-1])
        if scope["method"] == "HEAD":
            scope, send = dict(scope, method="GET"), _without_body(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        await send(dict(message, body=b"") if message["type"] == "http.response.body" else message)

    return sending
