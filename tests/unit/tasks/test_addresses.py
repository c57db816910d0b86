"""Which addresses are public."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tasks.http.addresses import closed_kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.255.255.254", "a loopback address"),
        ("::1", "a loopback address"),
        ("0.0.0.0", "an unspecified address"),
        ("::", "an unspecified address"),
        ("10.1.2.3", "a private address"),
        ("172.16.0.1", "a private address"),
        ("172.31.255.255", "a private address"),
        ("192.168.1.1", "a private address"),
        ("fd00:ec2::254", "a private address"),
        ("169.254.169.254", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("fe80::1%3", "a link-local address"),
        ("100.100.100.200", "a carrier-grade NAT address"),
        ("192.0.0.192", "a reserved address"),
        ("168.63.129.16", "a cloud platform's own address"),
        ("224.0.0.1", "a multicast address"),
        ("ff02::1", "a multicast address"),
        ("255.255.255.255", "a reserved address"),
        ("fec0::1", "a reserved address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("::ffff:a00:1", "a private address"),
        ("64:ff9b::7f00:1", "a loopback address"),
        ("64:ff9b::a9fe:a9fe", "a link-local address"),
        ("64:ff9b:1::a9fe:a9fe", "a reserved address"),
        ("::127.0.0.1", "a reserved address"),
        ("2002:7f00:1::", "a 6to4 address"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "a reserved address"),
        ("2001:db8::1", "a documentation address"),
    ],
)
def test_a_closed_address_is_named_for_what_it_is(address: str, kind: str) -> None:
    assert closed_kind(address) == kind


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "172.32.0.1", "9.255.255.255", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_a_public_address_is_open(address: str) -> None:
    assert closed_kind(address) is None


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_open_that_python_knows_to_be_special(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert closed_kind(str(address)) is not None
        assert closed_kind(f"::ffff:{address}") is not None


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_is_open_that_python_knows_to_be_special(address: IPv6Address) -> None:
    if closed_kind(str(address)) is None:
        within = IPv4Address(int(address) & 0xFFFF_FFFF)
        assert address.is_global or (address.ipv4_mapped == within and within.is_global)
        assert not address.is_multicast
