"""The expression function `url_encode(value)`, which encodes a value as one segment of a URL's path.

Its error messages do not contain the value, which may be a secret.
"""

from typing import Any
from urllib.parse import quote

from app.expressions.errors import NoValue

MAX_ENCODED = 8_000
"""The most characters of a result: the `url` of an `http` task cannot be longer."""


def url_encode(value: Any) -> str:
    """Percent-encode everything but letters, digits and `-._~` (RFC 3986, section 2.3), slashes included, as UTF-8.

    Raise `NoValue` for other types than string, number and boolean, and for an empty string, `.` and `..`: servers
    remove these segments even if they are encoded.
    """
    text = _text(value)
    if text in ("", ".", ".."):
        raise NoValue("url_encode: the value is empty, '.' or '..', which would lead to another path")
    encoded = quote(text, safe="") if len(text) <= MAX_ENCODED else text
    if len(encoded) > MAX_ENCODED:
        raise NoValue(f"url_encode: the value has more than {MAX_ENCODED} characters when it is encoded")
    return encoded


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise NoValue("url_encode: takes a string, number or boolean")
