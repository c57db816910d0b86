"""Names of hosts, and origins of web pages, as settings list them and as requests have them."""

import re
from ipaddress import ip_address

ANY = "*"
_LABELS = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?")
_ORIGIN = re.compile(r"https?://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\[\]*]+)(?::(?P<port>\d{1,5}))?")
LARGEST_PORT = 65_535


def is_local(host: str) -> bool:
    """True for names and addresses of this machine: `localhost`, names that end in `.localhost`, loopback addresses.

    They never lead to another machine: RFC 6761, section 6.3.
    """
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_hosts(text: str) -> frozenset[str]:
    """The hosts in a list that is separated by commas: names, addresses, `*.NAME`, or `*` for all. In lower case.

    Raise `ValueError` with the first item that is none of these.
    """
    hosts = [item.strip().lower().strip("[]") for item in text.split(",") if item.strip()]
    wrong = next((host for host in hosts if not (host == ANY or _LABELS.fullmatch(host) or _is_address(host))), None)
    if wrong is not None:
        raise ValueError(wrong)
    return frozenset(hosts)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def parse_origins(text: str) -> frozenset[str]:
    """The origins in a list that is separated by commas, as browsers write them: lower case, without a default port.

    Raise `ValueError` with the first item that is not an origin.
    """
    return frozenset(_origin(item.strip()) for item in text.split(",") if item.strip())


def _origin(item: str) -> str:
    text = item.lower().removesuffix("/")
    found = _ORIGIN.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) <= LARGEST_PORT:
        raise ValueError(item)
    default = ":443" if text.startswith("https:") else ":80"
    return text.removesuffix(default)


def host_of(authority: str) -> str:
    """The host of `host:port` or of a header Host, in lower case, without brackets and without a dot at its end."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].removesuffix(".").lower()
