"""Which request follows a redirect.

| status | POST | PUT, PATCH, DELETE, OPTIONS | GET, HEAD |
|---|---|---|---|
| 301, 302 | GET | repeated | repeated |
| 303 | GET | GET | repeated |
| 307, 308 | repeated | repeated | repeated |

These are the rules of browsers (https://fetch.spec.whatwg.org/#http-redirect-fetch). A repeated request has the same
method and body; one that becomes a GET has no body.
"""

import httpx

from app.domain.handlers import TaskError
from app.tasks.http.urls import checked_url, host_header, origin

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAFE_ELSEWHERE = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "content-length",
        "content-type",
        "idempotency-key",
        "user-agent",
    }
)
_OF_A_BODY = frozenset({"content-type", "content-length", "content-language", "content-encoding"})


def next_request(response: httpx.Response) -> httpx.Request | None:
    """The request that follows the response; None if it is not a redirect.

    Raise `TaskError` with the code `http_redirect` if the redirect must not be followed.
    """
    if response.status_code not in _REDIRECTS or not (location := _location(response)):
        return None
    request = response.request
    url = _target(request.url, location)
    method = _method(request.method, response.status_code)
    content = request.content if method == request.method else b""
    is_elsewhere = not _is_same_party(request.url, url)
    if content and is_elsewhere:
        raise refused_redirect(
            f"{origin(request.url)} redirects the {method} to {origin(url)}: another origin does not get the body"
        )
    dropped = {"host"} if method == request.method else {"host", *_OF_A_BODY}
    headers = [
        (name, value)
        for name, value in request.headers.raw
        if (key := name.decode("ascii").lower()) not in dropped and not (is_elsewhere and key not in _SAFE_ELSEWHERE)
    ]
    host = (b"Host", host_header(url).encode("ascii"))
    return httpx.Request(method, url, headers=[host, *headers], content=content)


def refused_redirect(message: str) -> TaskError:
    return TaskError("http_redirect", message, retryable=False)


def _location(response: httpx.Response) -> str:
    """Empty if there is none. Raise `TaskError` if there are several different ones."""
    locations = set(response.headers.get_list("location"))
    if len(locations) > 1:
        raise refused_redirect(f"{origin(response.url)} redirects to {len(locations)} places at once")
    return next(iter(locations), "").strip()


def _target(previous: httpx.URL, location: str) -> httpx.URL:
    """The absolute URL, checked like the `url` of a config. Raise `TaskError`."""
    try:
        return checked_url(str(previous.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise refused_redirect(f"{origin(previous)} redirects to a URL that {_sentence(error)}") from None


def _sentence(error: Exception) -> str:
    return f"is not a URL: {error}" if isinstance(error, httpx.InvalidURL) else str(error)


def _method(method: str, status: int) -> str:
    if method == "POST" and status in (301, 302):
        return "GET"
    return "GET" if status == 303 and method != "HEAD" else method


def _is_same_party(previous: httpx.URL, url: httpx.URL) -> bool:
    """True for the same origin, and for a redirect from http to https on the same host with default ports."""
    if origin(previous) == origin(url):
        return True
    is_upgrade = (previous.scheme, url.scheme, previous.port, url.port) == ("http", "https", None, None)
    return is_upgrade and previous.raw_host == url.raw_host
