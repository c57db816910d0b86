"""From which address a request comes, as the limits count it and as the audit log has it.

That is the peer of the connection. If the peer is a proxy that is trusted, it is the hop that the proxy names in
`X-Forwarded-For`: each proxy appends the address of its own peer, so the hops are read from the right, until one is not
trusted. What is to the left of that one may be invented.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 32
LONGEST_HOP = 80
UNKNOWN = "unknown"

_MAPPED = IPv6Network("::ffff:0:0/96")
_HOST_BITS = 64


class Sender(NamedTuple):
    """Where a request comes from, as its connection and its headers say it.

    peer: the address of the other end of the connection; None for one within this machine, as a Unix socket.
    forwarded: the values of the header `X-Forwarded-For`.
    """

    peer: str | None
    forwarded: Sequence[bytes] = ()


LOCAL = Sender(None)
"""Of a call from within this machine, which has no limit by address."""


class ClientAddresses:
    """Finds the address of the client of a request.

    trusted: the addresses of proxies whose `X-Forwarded-For` is believed.
    """

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def counted(self, sender: Sender) -> str | None:
        """An IPv4 address, or the /64 of an IPv6 address, since one client has a whole /64. None for loopback, which
        has no limit.

        Only the connection itself can say that it comes from loopback: a header that says so is counted.
        """
        if sender.peer is None:
            return None
        peer = parse_address(sender.peer)
        if peer is None:
            return UNKNOWN
        if sender.forwarded and self._is_trusted(peer):
            return _group(self._client(peer, sender.forwarded))
        return None if peer.is_loopback else _group(peer)

    def client(self, sender: Sender) -> str | None:
        """The whole address of the client; None for a connection within this machine that has none."""
        peer = None if sender.peer is None else parse_address(sender.peer)
        if peer is not None and sender.forwarded and self._is_trusted(peer):
            peer = self._client(peer, sender.forwarded)
        return None if peer is None else str(peer)

    def trusts(self, peer: str | None) -> bool:
        """Whether a connection comes from a proxy that is trusted."""
        address = None if peer is None else parse_address(peer)
        return address is not None and self._is_trusted(address)

    def _client(self, peer: Address, forwarded: Sequence[bytes]) -> Address:
        """The first hop from the right that is not trusted. What is no address ends the search: the last proxy that is
        known counts."""
        client = peer
        for text in _from_the_right(forwarded):
            hop = parse_hop(text)
            if hop is None:
                break
            client = hop
            if not self._is_trusted(hop):
                break
        return client

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a list with commas. Raise `ValueError` with the first item that is no address or network."""
    return tuple(_network(item) for item in map(str.strip, text.split(",")) if item)


def parse_address(text: str) -> Address | None:
    """An address, without a zone, and IPv4 within IPv6 as IPv4; None for any other text."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def parse_hop(text: str) -> Address | None:
    """The address of an item of `X-Forwarded-For`, which may have a port: `1.2.3.4:5`, `[2001:db8::1]:5`."""
    if len(text) > LONGEST_HOP:
        return None
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return parse_address(host)


def _from_the_right(values: Sequence[bytes]) -> Iterator[str]:
    """At most `MOST_HOPS` items. Several headers are one list (RFC 9110, 5.3); empty items mean nothing."""
    items = b",".join(values).decode("latin-1").rsplit(",", MOST_HOPS)
    for item in reversed(items[-MOST_HOPS:]):
        if item.strip():
            yield item


def _network(item: str) -> Network:
    try:
        network = ip_network(item, strict=False)
    except ValueError:
        raise ValueError(item) from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, network.prefixlen - 96))
    return network


def _group(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
