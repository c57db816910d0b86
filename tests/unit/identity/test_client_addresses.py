"""The address by which a request is counted: the peer's, or the hop that trusted proxies name."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.client_addresses import MOST_HOPS, UNKNOWN, ClientAddresses, Sender, parse_hop, parse_networks

PROXIES = parse_networks("127.0.0.1, ::1, 10.0.0.0/8, fd00::/8")
PROXY, CLIENT = "10.0.0.1", "203.0.113.7"


def counted(peer: str | None, *forwarded: str) -> str | None:
    return ClientAddresses(PROXIES).counted(Sender(peer, [value.encode() for value in forwarded]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (CLIENT, (), CLIENT),
        (CLIENT, ("198.51.100.9",), CLIENT),
        ("127.0.0.1", (), "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2:3:4:5:6"),
        (PROXY, ("198.51.100.9, 203.0.113.7",), CLIENT),
        (PROXY, ("203.0.113.7", "10.0.0.2"), CLIENT),
        (PROXY, ("nonsense",), PROXY),
        (None, (), None),
        ("unix:", (), None),
    ],
)
def test_the_whole_address_of_a_client(peer: str | None, forwarded: tuple[str, ...], expected: str | None):
    sender = Sender(peer, [value.encode() for value in forwarded])
    assert ClientAddresses(PROXIES).client(sender) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (CLIENT, CLIENT),
        ("::ffff:203.0.113.7", CLIENT),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.8.8.8", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        (None, None),
        ("", UNKNOWN),
        ("testclient", UNKNOWN),
        ("1.2.3.4.5", UNKNOWN),
    ],
)
def test_without_a_header_it_is_the_peer(peer: str | None, expected: str | None):
    assert counted(peer) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ([CLIENT], CLIENT),
        (["198.51.100.1, 203.0.113.7"], CLIENT),
        (["198.51.100.1", "203.0.113.7"], CLIENT),
        (["203.0.113.7, 10.1.1.1,10.2.2.2"], CLIENT),
        (["198.51.100.1, 203.0.113.7, ::ffff:10.1.1.1, fd00::5"], CLIENT),
        (["203.0.113.7:51234"], CLIENT),
        (['"203.0.113.7"'], CLIENT),
        (["[2001:db8::9]:443"], "2001:db8::/64"),
        (["2001:db8::9"], "2001:db8::/64"),
        (["::ffff:203.0.113.7"], CLIENT),
        (["203.0.113.7, , "], CLIENT),
        (["127.0.0.1"], "127.0.0.1"),
        (["10.9.9.9, 10.8.8.8"], "10.9.9.9"),
    ],
)
def test_behind_proxies_it_is_the_first_hop_from_the_right_that_is_not_trusted(forwarded: list[str], expected: str):
    assert counted(PROXY, *forwarded) == expected


@pytest.mark.parametrize(
    "junk", ["unknown", "_hidden", "203.0.113", "1.2.3.4.5", "²03.0.113.7", "\x00", "[", "x" * 5000]
)
def test_what_is_no_address_counts_as_the_proxy_that_passed_it_on(junk: str):
    assert counted(PROXY, f"198.51.100.1, {junk}") == PROXY
    assert counted(PROXY, f"198.51.100.1, {junk}, 10.5.5.5") == "10.5.5.5"


def test_a_header_of_others_means_nothing():
    assert counted(CLIENT, "198.51.100.1") == CLIENT
    assert ClientAddresses().counted(Sender("127.0.0.1", [b"198.51.100.1"])) is None


def test_an_endless_header_is_read_from_its_end_only():
    assert counted(PROXY, *["10.0.0.9," * 8_000 + CLIENT]) == CLIENT
    assert counted(PROXY, ", ".join([CLIENT, *["10.0.0.9"] * MOST_HOPS])) == "10.0.0.9"


def test_loopback_has_no_limit_only_without_a_header():
    assert counted("127.0.0.1") is None
    assert counted("127.0.0.1", "::1") == "::/64"
    assert counted("127.0.0.1", "junk") == "127.0.0.1"


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy", "10.0.0.1 10.0.0.2", "10.0.0.1;10.0.0.2", "*"])
def test_what_is_no_network_is_named(text: str):
    with pytest.raises(ValueError, match=r"\A" + text.replace("*", r"\*").replace(".", r"\.") + r"\Z"):
        parse_networks(f"10.0.0.1, {text}")


def test_networks_are_addresses_or_ranges():
    assert [str(network) for network in parse_networks("10.1.2.3/8,,::1, ::ffff:192.0.2.0/120")] == [
        "10.0.0.0/8",
        "::1/128",
        "192.0.2.0/24",
    ]
    assert parse_networks("") == ()


trusted_hops = st.integers(0, 2**24 - 1).map(lambda low: str(IPv4Address(10 * 2**24 + low)))
outside = st.one_of(
    st.integers(2**31, 2**32 - 1).map(IPv4Address), st.integers(0x2001 << 112, (0x2002 << 112) - 1).map(IPv6Address)
)
anything = st.text(st.characters(max_codepoint=255), max_size=30)


@given(invented=st.lists(anything, max_size=5), client=outside, proxies=st.lists(trusted_hops, max_size=5))
def test_nothing_that_a_client_writes_changes_its_address(
    invented: list[str], client: IPv4Address | IPv6Address, proxies: list[str]
):
    """The client sends any header; each proxy appends the address of its own peer."""
    addresses = ClientAddresses(PROXIES)
    header = ",".join([*invented, str(client), *proxies]).encode("latin-1")
    assert addresses.counted(Sender(PROXY, [header])) == addresses.counted(Sender(str(client), [header]))


@given(peer=st.one_of(st.none(), anything), headers=st.lists(st.binary(max_size=200), max_size=4))
def test_no_header_and_no_peer_is_an_error(peer: str | None, headers: list[bytes]):
    found = ClientAddresses(PROXIES).counted(Sender(peer, headers))
    assert found is None or len(found) < 50


@given(address=outside, port=st.integers(0, 65535))
def test_a_hop_may_have_a_port(address: IPv4Address | IPv6Address, port: int):
    name = f"[{address}]:{port}" if isinstance(address, IPv6Address) else f"{address}:{port}"
    assert parse_hop(name) == parse_hop(str(address)) is not None
