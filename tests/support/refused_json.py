"""JSON texts that break a rule, each on its own, and texts that look as if they did.

Every text stands for the value of a field, as in `{"v": TEXT}`.
"""

_TOO_BIG = "must be an integer of at most 64 bits"
_NOT_FINITE = "must be a finite number"

REFUSED: dict[str, tuple[bytes, str, str]] = {
    "one above the greatest integer": (b"18446744073709551616", "", _TOO_BIG),
    "one below the smallest integer": (b"-9223372036854775809", "", _TOO_BIG),
    "an integer of 30 digits": (b"[1, 123456789012345678901234567890]", "[1]", _TOO_BIG),
    "an integer of 400 digits": (b"1" * 400, "", _TOO_BIG),
    "an integer of 5,000 digits": (b"-" + b"9" * 5_000, "", _TOO_BIG),
    "a number that is too great": (b"1e400", "", _NOT_FINITE),
    "NaN": (b"[NaN]", "[0]", _NOT_FINITE),
    "Infinity": (b"-Infinity", "", _NOT_FINITE),
    "a repeated name": (b'{"a": {"n": 1, "m": 2, "n": 1}}', ".a", "has the key 'n' twice"),
    "a repeated name with the colon escaped": (b'{"a:b": 1, "a\\u003ab": 2}', "", "has the key 'a:b' twice"),
    "a repeated name beside an escaped colon": (b'{"n": 1, "n": "\\u003A"}', "", "has the key 'n' twice"),
    "NUL": (b'["\\u0000"]', "[0]", "must not contain the NUL character"),
    "NUL in a name": (b'{"a\\u0000": 1}', "", "has a key that contains the NUL character"),
    "a lone surrogate": (b'["\\udfff"]', "[0]", "must not contain lone surrogates"),
}
"""By what is wrong: the text, the path of what is wrong below the text, and the sentence."""

NO_YAML = frozenset({"NaN", "Infinity"})
"""YAML reads these as texts."""

ACCEPTED: dict[str, tuple[bytes, object]] = {
    "the greatest integer": (b"18446744073709551615", 2**64 - 1),
    "the smallest integer": (b"-9223372036854775808", -(2**63)),
    "19 digits": (b"9999999999999999999", 9999999999999999999),
    "digits in a text": (b'"DE89370400440532013000"', "DE89370400440532013000"),
    "a minus in a text": (b'"-9999999999999999999"', "-9999999999999999999"),
    "digits in a name": (b'{"12345678901234567890123": 1}', {"12345678901234567890123": 1}),
    "a long fraction": (b"0.12345678901234567890123", 0.12345678901234568),
    "a long number with an exponent": (b"123456789012345678901234e-5", 1.2345678901234568e18),
    "a great number": (b"1e22", 1e22),
    "an integer as a number": (b"100000000000000000000.0", 1e20),
    "minus zero": (b"-0", 0),
    "a backslash before u0000": (b'"\\\\u0000"', "\\u0000"),
    "an escaped colon": (b'{"a\\u003ab": "\\u003A"}', {"a:b": ":"}),
    "one name in several objects": (b'[{"a": {"a": 1}}, {"a": 1}]', [{"a": {"a": 1}}, {"a": 1}]),
    "a surrogate pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
}
"""By what is special: the text and its value."""


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels
