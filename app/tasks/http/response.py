"""Turns an HTTP response into the task's output or its error, reading a limited part of the body."""

import codecs
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from app.domain.errors import Invalid
from app.domain.handlers import TaskError
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json
from app.domain.json_values import MAX_DEPTH
from app.domain.texts import storable_text
from app.tasks.http.charsets import text_codec
from app.tasks.http.decoding import UndecodableError, decoder_of
from app.tasks.http.urls import origin

ACCEPTED_ENCODING = "gzip"
MAX_RETRY_AFTER_SECONDS = 3600.0
MAX_EXCERPT = 200
SEARCHED_BYTES = 32_768
"""Of an error response: a secret that begins in the excerpt is hidden only if it is read to its end."""

_RETRYABLE_STATUSES = frozenset({408, 429}) | frozenset(range(500, 600))


async def output_of(response: httpx.Response, max_bytes: int) -> dict[str, Any]:
    """`{"status": int, "headers": {lower-case name: str}, "body": JSON or text}`. Raise `TaskError`."""
    body, has_more = await _read(response, max_bytes)
    if has_more:
        raise _bad_body(response, f"is larger than HTTP_TASK_MAX_RESPONSE_BYTES ({max_bytes})", "http_too_large")
    headers = {name: storable_text(value) for name, value in response.headers.items()}
    return {"status": response.status_code, "headers": headers, "body": _body_value(response, body)}


async def status_error(response: httpx.Response, now: datetime, masked: Callable[[str], str]) -> TaskError:
    """The error for an unexpected status. `masked` is as of the attempt."""
    status, excerpt = f"{response.status_code} {response.reason_phrase}", await _excerpt(response, masked)
    return TaskError(
        "http_status",
        f"{origin(response.url)} answered {status}{excerpt}",
        retryable=response.status_code in _RETRYABLE_STATUSES,
        retry_after_seconds=retry_after_seconds(response.headers.get("retry-after"), now),
    )


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait that `Retry-After` asks for, in either of its forms, at most an hour; None if it is unusable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:18]), MAX_RETRY_AFTER_SECONDS))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


async def _read(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """At most `max_bytes` of the decoded body, and whether there is more. Nothing beyond the limit is decompressed.

    Compressed bytes are limited to twice `max_bytes`, since they may decompress to nothing. A body of 0 bytes is empty
    whatever its `Content-Encoding`, for HEAD, 204 and 304 too. Raise `TaskError` if the body is not what its headers
    say.
    """
    body, received = bytearray(), 0
    try:
        decoder = None
        async for chunk in response.aiter_raw():
            decoder = decoder or decoder_of(response.headers.get("content-encoding", ""))
            received += len(chunk)
            body += decoder.decode(chunk, max_bytes + 1 - len(body))
            if len(body) > max_bytes or received > 2 * max_bytes:
                return bytes(body[:max_bytes]), True
        if decoder is not None:
            decoder.finish()
    except UndecodableError as error:
        raise _bad_body(response, str(error)) from None
    _check_length(response, received)
    return bytes(body), False


def _check_length(response: httpx.Response, received: int) -> None:
    """Raise `TaskError` if `Content-Length` contradicts the chunks, which have precedence (RFC 9112, section 6.3)."""
    said = response.headers.get("content-length")
    if said is None or "transfer-encoding" not in response.headers or _has_no_body(response):
        return
    if int(said) != received:
        raise _bad_body(response, f"has {received} bytes in its chunks, and {said} by its Content-Length")


def _has_no_body(response: httpx.Response) -> bool:
    """True if the response has no body whatever its headers say."""
    return response.request.method == "HEAD" or response.status_code in (204, 304)


def _body_value(response: httpx.Response, body: bytes) -> Any:
    if not _is_json(response.headers.get("content-type", "")):
        return storable_text(_text(body, response.charset_encoding))
    return _json(response, body.removeprefix(codecs.BOM_UTF8)) if body else None


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def _json(response: httpx.Response, body: bytes) -> Any:
    try:
        return parse_json(body, "body", MAX_DEPTH - 1)
    except NotJson as error:
        raise _bad_body(response, error.problems[0].message) from None
    except Invalid as error:
        raise _bad_body(response, f"cannot be used: {error.message}") from None


def _text(body: bytes, charset: str | None) -> str:
    """The body as text: UTF-8 unless the response names another supported character set."""
    return body.decode(text_codec(charset or "utf-8") or "utf-8", "replace")


async def _excerpt(response: httpx.Response, masked: Callable[[str], str]) -> str:
    """The beginning of the body of an error response, which often has the reason; empty if it cannot be read."""
    try:
        body, has_more = await _read(response, MAX_EXCERPT if masked is str else SEARCHED_BYTES)
    except (httpx.TransportError, TaskError):
        return ""
    text = masked(_text(body, response.charset_encoding))
    shown = "".join(char if char.isprintable() else " " for char in text[:MAX_EXCERPT])
    excerpt, is_cut = " ".join(shown.split()), has_more or len(text) > MAX_EXCERPT
    return f": {excerpt}{'…' if is_cut else ''}" if excerpt else ""


def _bad_body(response: httpx.Response, message: str, code: str = "http_body") -> TaskError:
    return TaskError(code, f"the body of {origin(response.url)}'s response {message}", retryable=False)
