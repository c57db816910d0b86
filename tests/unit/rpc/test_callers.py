"""Where a call comes from."""

import pytest

from app.api.grpc.callers import address_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:50312", "192.0.2.7"),
        ("ipv6:%5B2001:db8::7%5D:50312", "2001:db8::7"),
        ("ipv6:[::1]:50312", "::1"),
        ("unix:/run/workflow", None),
        ("", None),
    ],
)
def test_the_address_is_that_of_the_peer(peer: str, address: str | None):
    assert address_of(peer) == address
