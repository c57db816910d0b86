"""The task types `http` and `webhook`: call a URL, and raise errors that say whether a retry makes sense."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

import httpx

from app.domain.handlers import Attempt, TaskError
from app.tasks.http.body import JSON, BodyError
from app.tasks.http.client import HttpClient
from app.tasks.http.config import HttpConfig, body_problems, sent_body
from app.tasks.http.network import OWN_API
from app.tasks.http.response import ACCEPTED_ENCODING, output_of, status_error
from app.tasks.http.urls import checked_url, host_header, origin, with_query
from app.tasks.task_type import HttpOptions, TaskType, config_of, invalid_config

USER_AGENT = "workflow-execution-service"


class HttpHandler:
    """Calls a URL. The task's `timeout_seconds` limits the call and its redirects; without it `call_seconds` does."""

    waits_outside = True

    def __init__(
        self, client: HttpClient, default_method: str, options: HttpOptions, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._default_method = default_method
        self._max_response_bytes = options.max_response_bytes
        self._call_seconds = options.call_seconds
        self._rights_of = options.rights_of
        self._now = now

    async def run(self, attempt: Attempt) -> dict[str, Any]:
        """`{"status", "headers", "body"}`. Raise `TaskError` with the code `http_status`, `http_connection`,
        `http_timeout`, `http_body`, `http_too_large`, `http_redirect`, `http_address_refused` or `invalid_config`.
        """
        config = config_of(attempt, HttpConfig)
        request = self._request(config, attempt)
        seconds = self._call_seconds if attempt.timeout_seconds is None else None
        try:
            async with asyncio.timeout(seconds), self._client.place(attempt.group):
                return await self._call(request, config, attempt)
        except TimeoutError:
            what = f"{origin(request.url)} did not respond completely within {seconds:g} s"
            raise TaskError("http_timeout", f"{what}; a task's timeout_seconds sets more") from None
        except httpx.TransportError as error:
            raise _connection_error(request, error) from error

    async def _call(self, request: httpx.Request, config: HttpConfig, attempt: Attempt) -> dict[str, Any]:
        response = await self._client.send(request, config.expected_status, attempt.tenant)
        async with aclosing(response):
            if response.status_code in config.expected_status:
                return await output_of(response, self._max_response_bytes)
            raise await status_error(response, self._now(), attempt.masked)

    def _request(self, config: HttpConfig, attempt: Attempt) -> httpx.Request:
        try:
            content = sent_body(config)
        except BodyError as error:
            raise invalid_config([error.problem]) from None
        url = with_query(checked_url(config.url), config.query)
        headers = httpx.Headers(
            {
                "Host": host_header(url),
                "Accept": "*/*",
                "Accept-Encoding": ACCEPTED_ENCODING,
                "User-Agent": USER_AGENT,
                "Idempotency-Key": attempt.task_key,
                **({} if content is None else {"Content-Type": JSON}),
            }
        )
        headers.update(config.headers)
        extensions = {OWN_API: self._rights_of(attempt.tenant).may_call_own_api(attempt.workflow_key)}
        method = config.method or self._default_method
        return httpx.Request(method, url, headers=headers, content=content, extensions=extensions)


def _connection_error(request: httpx.Request, error: httpx.TransportError) -> TaskError:
    code = "http_timeout" if isinstance(error, httpx.TimeoutException) else "http_connection"
    reason = str(error) or type(error).__name__
    ours = isinstance(error, httpx.LocalProtocolError)
    return TaskError(code, f"no response from {origin(request.url)}: {reason}", retryable=not ours)


def http_types(options: HttpOptions, now: Callable[[], datetime]) -> dict[str, TaskType]:
    """`http` and `webhook`, which differ in their default method and share one client."""
    client = HttpClient(options)

    def made(method: str) -> TaskType:
        return TaskType(HttpConfig, HttpHandler(client, method, options, now), body_problems, client.close)

    return {"http": made("GET"), "webhook": made("POST")}
