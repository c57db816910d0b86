"""Which requests are refused because of the web page, or the name of this service, that they come from.

Any page that a user opens can send requests to a service on the user's machine. Browsers say in headers, which a page
cannot forge, where a request comes from:

- A page of another origin can send a POST without the service's consent. `Sec-Fetch-Site` and `Origin` show it. The
  rules are those of Go's `http.CrossOriginProtection` (https://pkg.go.dev/net/http#CrossOriginProtection).
- A page whose name leads to this machine since a moment ago (DNS rebinding) is of the same origin for the browser. But
  the request's `Host` is the name of that page, not one of this service.

Other clients send no such headers, and a `Host` that they were told.
"""

from dataclasses import dataclass
from functools import lru_cache

from app.api.rest.error_responses import Refused
from app.domain.host_names import ANY, host_of, is_local

LONGEST_HOST = 261
"""Bytes of a Host header: a name has 253 at most, a port five, and there may be two brackets or a dot."""
SHOWN = 100
REMEMBERED = 256
_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_THIS_SERVICE = frozenset({b"same-origin", b"none"})


@dataclass(frozen=True, slots=True)
class Sender:
    """What the headers of a request say about where it comes from; None for a header that is missing.

    host: `Host`.
    origin: `Origin`.
    site: `Sec-Fetch-Site`.
    """

    host: bytes | None = None
    origin: bytes | None = None
    site: bytes | None = None


class WebRules:
    """The rules of one process.

    hosts: names of this service, addresses, `*.NAME`, or `*` for any; names of this machine are always allowed.
    origins: origins of pages that may read and change everything, such as `https://example.com`.
    """

    def __init__(self, hosts: frozenset[str] = frozenset({ANY}), origins: frozenset[str] = frozenset()) -> None:
        self.hosts = hosts
        self.origins = origins
        self._is_named = lru_cache(REMEMBERED)(self._is_a_name)  # most requests have the same few

    def refusal(self, method: str, sender: Sender) -> Refused | None:
        """Why the request must not be answered; None if it may be."""
        if (refused := self._refusal_of_host(sender)) is not None:
            return refused
        if method not in _CHANGES_NOTHING and self._is_foreign(sender):
            return _foreign(sender, "change anything")
        return None

    def refusal_of_socket(self, sender: Sender) -> Refused | None:
        """As `refusal`, for a handshake of WebSocket. Browsers let the page read what comes over it, whatever its
        origin, and let it send what it likes."""
        if (refused := self._refusal_of_host(sender)) is not None:
            return refused
        return _foreign(sender, "open a socket") if self._is_foreign(sender) else None

    def names_origin(self, origin: bytes | None) -> bool:
        return origin is not None and bool(self.origins) and origin.decode("latin-1") in self.origins

    def _refusal_of_host(self, sender: Sender) -> Refused | None:
        if sender.host is None or (len(sender.host) <= LONGEST_HOST and self._is_named(sender.host)):
            return None
        return _unknown_host(sender.host)

    def _is_a_name(self, authority: bytes) -> bool:
        host = host_of(authority.decode("latin-1"))
        if ANY in self.hosts or host in self.hosts or is_local(host):
            return True
        return any(name.startswith("*.") and host.endswith(name[1:]) for name in self.hosts)

    def _is_foreign(self, sender: Sender) -> bool:
        if sender.site in _OF_THIS_SERVICE or self.names_origin(sender.origin):
            return False
        if sender.site is not None or sender.origin is None:
            return sender.site is not None
        return not sender.host or sender.origin.partition(b"://")[2].lower() != sender.host.lower()


def _unknown_host(host: bytes) -> Refused:
    sentence = f"{_shown(host)} is not a name of this service; call it as localhost, or add the name to ALLOWED_HOSTS"
    return Refused(421, "unknown_host", sentence)


def _foreign(sender: Sender, what: str) -> Refused:
    page = "another site" if sender.origin is None else _shown(sender.origin)
    sentence = f"pages of {page} cannot {what} here; CORS_ORIGINS names the origins that can"
    return Refused(403, "foreign_origin", sentence)


def _shown(header: bytes) -> str:
    return repr(header[:SHOWN].decode("latin-1"))
