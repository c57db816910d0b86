"""Makes any text safe to print on one line of a terminal."""

import re

# Texts of the service can contain anything; escape sequences in them must not reach a terminal.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text on one line, with control characters replaced by visible escapes."""
    return _STEERING.sub(lambda found: " " if found[0] in "\n\t" else repr(found[0])[1:-1], text)
