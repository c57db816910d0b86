"""Wakes up the engines of other processes when something is stored for them."""

from app.engine.ports import Signals, StoreUnreachable


async def notify_engines(signals: Signals, channel: str) -> None:
    """Announce on `channel`. If that fails, the engines find what is stored a little later, by polling."""
    try:
        await signals.announce(channel, "")
    except StoreUnreachable:
        return
