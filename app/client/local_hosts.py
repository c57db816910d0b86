"""Recognises hosts that are this machine."""

from ipaddress import ip_address


def is_local(host: str) -> bool:
    """True for addresses of this machine, which a proxy could not reach."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
