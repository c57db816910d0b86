"""Which headers `traceparent` name a trace."""

import pytest

from app.domain.traces import parse_traceparent

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("text", [TRACE, f"{TRACE[:-2]}00", f"01{TRACE[2:]}", f"cc{TRACE[2:]}-what.comes=later"])
def test_a_trace_is_kept_as_it_is(text: str) -> None:
    assert parse_traceparent(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "trace",
        TRACE.upper(),
        f" {TRACE}",
        f"{TRACE}\n",
        f"{TRACE}-more",
        f"ff{TRACE[2:]}",
        f"{TRACE[:3]}{'0' * 32}{TRACE[35:]}",
        f"{TRACE[:36]}{'0' * 16}{TRACE[52:]}",
        f"01{TRACE[2:]}-",
        f"01{TRACE[2:]}-\0",
        f"01{TRACE[2:]}-{'x' * 300}",
    ],
)
def test_what_is_none_is_ignored(text: str | None) -> None:
    assert parse_traceparent(text) is None
