"""How long `Retry-After` asks to wait."""

from datetime import UTC, datetime

import pytest

from app.tasks.http.response import retry_after_seconds

NOW = datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999", 3600.0),
        ("9" * 5_000, 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Fri, 20 Nov 2026 16:02:00 GMT", 120.0),
        ("Fri, 20 Nov 2026 16:02:00 -0000", 120.0),
        ("Fri, 20 Nov 2026 17:00:30 +0100", 30.0),
        ("Friday, 20-Nov-26 16:00:10 GMT", 10.0),
        ("Fri Nov 20 16:00:10 2026", 10.0),
        ("Fri, 20 Nov 2026 15:00:00 GMT", 0.0),
        ("Mon, 20 Nov 2028 16:00:00 GMT", 3600.0),
        ("Fri, 99 Nov 2026 16:00:00 GMT", None),
    ],
)
def test_both_forms_are_understood_and_capped(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds
