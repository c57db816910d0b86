"""Gives the requests for the files of the dashboard to it. They need no caller: the files are the same for all."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.rest.dependencies import Services

_READING = ("GET", "HEAD")


class DashboardPages:
    """Answers from `app.state.services.dashboard`, which comes before the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _READING or not scope["path"].startswith("/ui"):
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        served = self._app if not services.dashboard.serves(scope) else services.dashboard.serve
        await served(scope, receive, send)
