"""Telling engines that something waits for them."""

from app.engine.ports import Signals, StoreUnreachable


async def hint(signals: Signals, channel: str) -> None:
    """What the hint is about is stored; without the hint it is found a little later."""
    try:
        await signals.announce(channel, "")
    except StoreUnreachable:
        return
