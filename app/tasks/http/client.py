"""The HTTP client that all `http` tasks share: no cookies, no proxies; every redirect is checked."""

import ssl
from collections.abc import Callable, Collection
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from app.domain.handlers import TaskError
from app.tasks.http.config import checked_url
from app.tasks.http.network import GuardedNetwork, GuardedTransport, Resolve, system_resolve
from app.tasks.task_type import HttpOptions

MAX_REDIRECTS = 5

_SAFE_ELSEWHERE = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
    }
)


class HttpClient:
    """Opens at the first call. Executions share connections and nothing else."""

    def __init__(
        self,
        options: HttpOptions,
        resolve: Resolve = system_resolve,
        make_tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
    ) -> None:
        self._network = GuardedNetwork(options, resolve)
        self._make_tls = make_tls
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: httpx.Request, expected: Collection[int]) -> httpx.Response:
        """The unread response, which the caller must close. A redirect whose status is `expected` is not followed.

        Raise `httpx.TransportError` when there is no response, `TaskError` for a refused address or redirect.
        """
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._send_once(request)
            if response.status_code in expected or response.next_request is None:
                return response
            await response.aclose()
            request = _next_hop(request, response.next_request)
        raise _refused_redirect(f"there were more than {MAX_REDIRECTS} redirects")

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._opened().send(request, stream=True, auth=None)
        except UnicodeError as error:
            raise _refused_redirect(f"{origin(request.url)} redirects to a host that is none: {error}") from None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=GuardedTransport(self._network, self._make_tls()),
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._client


def origin(url: httpx.URL) -> str:
    """The part of a URL that messages may show: paths and queries can contain secrets."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _next_hop(previous: httpx.Request, request: httpx.Request) -> httpx.Request:
    """The redirected request. Another origin does not get the config's headers, since any of them may be a secret."""
    try:
        checked_url(str(request.url))
    except ValueError as error:
        raise _refused_redirect(f"{origin(previous.url)} redirects to a URL that {error}") from None
    if not _is_same_party(previous.url, request.url):
        for name in set(request.headers) - _SAFE_ELSEWHERE:
            del request.headers[name]
    return request


def _is_same_party(previous: httpx.URL, url: httpx.URL) -> bool:
    """True for the same origin, and for a redirect from http to https on the same host."""
    if origin(previous) == origin(url):
        return True
    is_upgrade = (previous.scheme, url.scheme, previous.port, url.port) == ("http", "https", None, None)
    return is_upgrade and previous.raw_host == url.raw_host


def _refused_redirect(message: str) -> TaskError:
    return TaskError("http_redirect", message, retryable=False)
