"""Decides which network addresses are public. `http` tasks can reach others only if a setting allows it.

The lists are copied from IANA's special-purpose registries, because what `ipaddress` calls private differs between
versions of Python.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_CLOSED_IPV4 = {
    IPv4Network(network): kind
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier-grade NAT address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud platform's own address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
}
_CLOSED_IPV6 = {
    IPv6Network(network): kind
    for network, kind in (
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
}
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_IPV4_WITHIN_IPV6 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


def closed_kind(address: str) -> str | None:
    """Why an IP address is not public, such as `a loopback address`; None for a public one."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return _kind_in_ipv4(parsed)
    if any(parsed in network for network in _IPV4_WITHIN_IPV6):
        return _kind_in_ipv4(IPv4Address(int(parsed) & 0xFFFF_FFFF))
    return _kind_in_ipv6(parsed)


def is_of_this_machine(address: str) -> bool:
    """Whether the address is one of this machine's own: only to these a socket can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _kind_in_ipv4(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _CLOSED_IPV4.items() if address in network), None)


def _kind_in_ipv6(address: IPv6Address) -> str | None:
    kind = next((kind for network, kind in _CLOSED_IPV6.items() if address in network), None)
    return kind if kind is not None or address in _PUBLIC_IPV6 else "a reserved address"
