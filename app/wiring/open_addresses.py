"""Refuses to let everyone in on an address that others can reach, unless that was said deliberately."""

from app.config import Settings, SettingsError
from app.domain.loopback import is_loopback


def refuse_open_address(settings: Settings, name: str) -> None:
    """Raise `SettingsError` if a process would let everyone in on an address that others can reach.

    settings: of the process.
    name: the setting with its address, FASTAPI_HOST or GRPC_HOST.
    """
    host = getattr(settings, name.lower())
    if settings.auth == "off" and not is_loopback(host):
        raise SettingsError(
            f"{name} is {host or 'every address'!r}, which others can reach, and AUTH is off, so that everyone could "
            "do everything. Set AUTH=on and make a key with `workflow auth bootstrap`, or AUTH=off-on-every-address if "
            "something else keeps others out"
        )
