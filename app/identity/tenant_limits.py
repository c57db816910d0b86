"""The limits of tenants, as this process knows them, and the number of starts that they allow."""

from collections.abc import Callable, Mapping
from functools import partial
from math import ceil
from types import MappingProxyType

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import StartsExceeded
from app.domain.tenants import NO_LIMITS, TenantLimits
from app.identity.ports import LimitStore

READ_SECONDS = 4.0
"""How long a change may go unnoticed in a process that gets no notifications, less the time of a read."""


class KnownLimits:
    """The limits of all tenants that have some, read every `READ_SECONDS` and after each change. Never waits.

    Before the first read, no tenant has a limit.

    store: where the limits are.
    """

    def __init__(self, store: LimitStore) -> None:
        self._store = store
        self._limits: Mapping[int, TenantLimits] = MappingProxyType({})
        self._most_running: Mapping[int, int] = MappingProxyType({})
        self._several = False
        self._subscribers: list[Callable[[], None]] = []
        self._wake_up = WakeUp()
        self._loop = Loop("limits of tenants", self.read, partial(self._wake_up.wait, READ_SECONDS))

    @property
    def there_are_several(self) -> bool:
        """Whether there is more than one tenant."""
        return self._several

    def of(self, tenant_id: int) -> TenantLimits:
        return self._limits.get(tenant_id, NO_LIMITS)

    def most_running(self) -> Mapping[int, int]:
        """How many executions one engine may run at once of a tenant: its part of what the tenant may, rounded up.

        So all engines together may run fewer than one for each engine beyond the limit.
        """
        return self._most_running

    def subscribe(self, changed: Callable[[], None]) -> None:
        """Call `changed()` when what engines may run has changed."""
        self._subscribers.append(changed)

    def changed(self) -> None:
        """A tenant has changed, in this process or another one."""
        self._wake_up.wake()

    async def read(self) -> None:
        """Raise `Unavailable` when the store does not respond."""
        found = await self._store.limits()
        before = self._most_running, self._several
        self._limits, self._several = found.limits, found.there_are_several
        engines = max(1, found.engines)
        self._most_running = {
            tenant_id: ceil(limits.max_running / engines)
            for tenant_id, limits in found.limits.items()
            if limits.max_running is not None
        }
        if before != (self._most_running, self._several):
            for tell in self._subscribers:
                tell()

    def start(self, on_defect: OnDefect) -> None:
        """Start the loop. A defect that ends it is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        await self._loop.finish()


class StartQuotas:
    """A token bucket for each tenant that has a limit. It holds as many starts as one second allows.

    Each process has its own: what processes take calls in parallel may together start as often as each of them.

    limits: the limits of tenants.
    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, limits: KnownLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._buckets: dict[int, tuple[float, float]] = {}

    def spend(self, tenant_id: int) -> None:
        """Take one start. Raise `StartsExceeded` when the tenant has none left."""
        rate = self._limits.of(tenant_id).starts_per_second
        if rate is None:
            self._buckets.pop(tenant_id, None)
            return
        now = self._monotonic()
        left, at = self._buckets.get(tenant_id, (float(rate), now))
        left = min(float(rate), left + (now - at) * rate)
        if left < 1:
            self._buckets[tenant_id] = left, now
            raise StartsExceeded(rate, max(1, ceil((1 - left) / rate)))
        self._buckets[tenant_id] = left - 1, now
