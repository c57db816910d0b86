"""Finds the codec for the `charset` of a `Content-Type`."""

import codecs

_PLAIN_CODECS = ("ascii", "utf-8", "utf-16", "utf-32", "iso8859", "cp", "koi8", "shift_jis", "euc", "gb", "big5")


def text_codec(charset: str) -> str | None:
    """Python's name of the codec; None if it is unknown, slow, or not a character set."""
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        return None
    return name if name.startswith(_PLAIN_CODECS) else None
