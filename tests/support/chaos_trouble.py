"""What happens to a service under load."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from tests.support.chaos_house import House
from tests.support.chaos_tenants import StartKey


class Trouble(ABC):
    """`done` counts what was done, `wrong` says what was seen meanwhile that may not be, `accepted` are executions that
    it started itself, by tenant and idempotency key."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.accepted: dict[StartKey, str] = {}

    def __str__(self) -> str:
        return str(dict(self.done))

    @abstractmethod
    async def rampage(self) -> None:
        """Until cancelled, or until it has had enough, which ends the load too."""

    async def verdict(self) -> Sequence[str]:
        """All that is wrong, asked when everything has ended."""
        return self.wrong
