"""Times as people read them: those of this machine's clock, or UTC with `--utc`."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Times:
    """Writes instants. Times in UTC end in `Z`, local ones have no sign.

    utc: whether to write UTC.
    """

    utc: bool = False

    def full(self, instant: str | None, precision: str = "seconds") -> str:
        """`2026-01-02 03:04:05`; empty for None. `instant` is RFC 3339."""
        return "" if instant is None else self._written(self._zoned(instant), precision)

    def brief(self, instant: str | None, now: datetime | None = None) -> str:
        """`03:04:05` on the day of `now`, `2026-01-02 03:04` on any other day."""
        if instant is None:
            return ""
        zoned = self._zoned(instant)
        if zoned.date() != self._moved(now or datetime.now(UTC)).date():
            return self._written(zoned, "minutes")
        return zoned.time().isoformat("seconds") + self._sign

    @property
    def _sign(self) -> str:
        return "Z" if self.utc else ""

    def _written(self, zoned: datetime, precision: str) -> str:
        return zoned.replace(tzinfo=None).isoformat(" ", precision) + self._sign

    def _zoned(self, instant: str) -> datetime:
        return self._moved(datetime.fromisoformat(instant))

    def _moved(self, instant: datetime) -> datetime:
        try:
            return instant.astimezone(UTC if self.utc else None)
        except (OverflowError, ValueError):  # the first and the last day that exist
            return instant
