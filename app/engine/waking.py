"""How loops wait: for a hint that there is work, or for the time at which they look anyway."""

import asyncio


class Bell:
    """Hints that come while nobody waits are kept, many as one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Until it rings, `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        finally:
            self._rung.clear()
