"""How often may one call: per caller, per address without a caller, and per address with wrong credentials."""

from dataclasses import dataclass

from app.domain.callers import Caller
from app.identity.allowances import Allowances, Limit
from app.identity.client_addresses import ClientAddresses, Sender

ADDRESS, CREDENTIALS, CALLER = "address", "credentials", "caller"
"""The names of the policies."""


@dataclass(frozen=True, slots=True)
class RateRules:
    """The limits per minute; None for none.

    anonymous: of an address, for requests without a caller; and once more for wrong credentials.
    callers: of a caller that has no limit of its own.
    """

    anonymous: int | None = 100
    callers: int | None = 6_000


class Rates:
    """Counts every request against one limit.

    rules: the limits.
    allowances: count.
    addresses: find the address that is counted.
    """

    def __init__(self, rules: RateRules, allowances: Allowances, addresses: ClientAddresses) -> None:
        self._rules = rules
        self._allowances = allowances
        self._addresses = addresses

    def spend(self, caller: Caller) -> bool:
        """Count a request of the caller if that needs no waiting; whether it was counted."""
        return self._allowances.spend(_subject(caller))

    async def count_caller(self, caller: Caller) -> None:
        """Count a request that was not counted by `spend`. Raise `RateLimited` when the caller has called too often."""
        per_minute = caller.rate_limit or self._rules.callers
        if per_minute is not None:
            what = f"{caller.principal} has made too many requests"
            await self._allowances.count(Limit(CALLER, _subject(caller), per_minute, what))

    def address_of(self, sender: Sender) -> str | None:
        """The address that is counted for requests without a caller; None if there is no limit for it."""
        return None if self._rules.anonymous is None else self._addresses.counted(sender)

    def part_of_address(self, most: int) -> int:
        """`most`, or a tenth of what an address may send in a minute, if that is less."""
        return max(1, min(most, (self._rules.anonymous or 0) // 10))

    async def count_anonymous(self, sender: Sender) -> None:
        """Raise `RateLimited` when too many requests without a caller have come from an address."""
        address = self.address_of(sender)
        if address is not None:
            what = f"too many requests without an API key or a token have come from {address}"
            await self._count_address(ADDRESS, address, what)

    async def count_credential(self, address: str) -> None:
        """Raise `RateLimited` when too many wrong credentials have come from an address."""
        await self._count_address(CREDENTIALS, address, f"too many wrong API keys and tokens have come from {address}")

    def give_back_credential(self, address: str) -> None:
        """Undo `count_credential`: the credential was right."""
        self._allowances.give_back(f"{CREDENTIALS}:{address}")

    async def _count_address(self, policy: str, address: str, what: str) -> None:
        if self._rules.anonymous is not None:
            await self._allowances.count(Limit(policy, f"{policy}:{address}", self._rules.anonymous, what))


def _subject(caller: Caller) -> str:
    return f"{CALLER}:{caller.tenant_id}:{caller.principal}"
