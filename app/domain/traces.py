"""The header `traceparent` of W3C Trace Context: https://www.w3.org/TR/trace-context/#traceparent-header."""

import re

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{1,200})?")
_LENGTH_OF_FIRST_VERSION = 55


def parse_traceparent(text: str | None) -> str | None:
    """The text if it names a trace, otherwise None: by the standard, a wrong one is as none."""
    if text is None or _FORM.fullmatch(text) is None:
        return None
    return None if text.startswith("00-") and len(text) != _LENGTH_OF_FIRST_VERSION else text
