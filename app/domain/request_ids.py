"""The ids of requests. A request can bring one; otherwise it gets one."""

import re
from collections.abc import Sequence

FORM = re.compile(rb"[A-Za-z0-9._:/=+-]{1,128}")


def given_id(values: Sequence[bytes]) -> str | None:
    """The id in the values of a header; None without one, with two, or with one that does not belong into a log."""
    return values[0].decode() if len(values) == 1 and FORM.fullmatch(values[0]) else None
