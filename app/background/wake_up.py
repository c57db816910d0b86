"""How loops wait: for a wake-up that says there is work, or for the time at which they look anyway."""

import asyncio


class WakeUp:
    """Wake-ups that come while nothing waits are kept, many as one. For one waiting loop."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Return at the next wake-up, and after `seconds` at the latest."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        finally:
            self._woken.clear()
