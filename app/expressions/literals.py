"""The values of literals, by the grammar of CEL: doc/langdef.md of cel-spec, "Syntax"."""

import re
from typing import Any

from app.expressions.values import INT_MAX, INT_MIN, UINT_MAX, UInt

_QUOTES = re.compile(r"""([bBrR]*)(\"\"\"|'''|"|')""")
_WHOLE = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uU]?)", re.ASCII)
_DECIMAL = re.compile(r"(?:[0-9]*\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S])?)"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {c: c for c in "\\?\"'`"}


class LiteralFault(Exception):
    """A literal is invalid. `offset` is the position of the error in it, from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def number(text: str, *, is_negative: bool = False) -> int | float | UInt:
    """The value of `text`, or of `text` after a minus sign. Raise `LiteralFault`."""
    if (whole := _WHOLE.fullmatch(text)) is not None:
        value = int(whole[1], 16 if whole[1][:2] in ("0x", "0X") else 10) * (-1 if is_negative else 1)
        least, most = (0, UINT_MAX) if whole[2] else (INT_MIN, INT_MAX)
        if not least <= value <= most:
            raise LiteralFault(f"{text[:40]} is outside the range of {'uint' if whole[2] else 'int'}")
        return UInt(value) if whole[2] else value
    if _DECIMAL.fullmatch(text):
        return -float(text) if is_negative else float(text)
    raise LiteralFault(f"{text[:40]} is not a number")


def string(text: str) -> str | bytes:
    """The value of a string or bytes literal. Raise `LiteralFault`."""
    match = _QUOTES.match(text)
    if match is None or not text.endswith(match[2]) or len(text) < match.end() + len(match[2]):
        raise LiteralFault("the string is not closed")
    prefix, body = match[1].lower(), text[match.end() : -len(match[2])]
    if "r" in prefix:
        return body.encode() if "b" in prefix else body
    try:
        return _unescaped_bytes(body) if "b" in prefix else _unescaped_text(body)
    except LiteralFault as error:
        raise LiteralFault(str(error), match.end() + error.offset) from None


def is_plain(text: str) -> bool:
    """Whether a string literal contains its value unchanged: no prefix, no backslash and no triple quotes."""
    return "\\" not in text and text[:1] in "'\"" and text[:3] not in ("'''", '"""')


def _unescaped_text(body: str) -> str:
    return _ESCAPE.sub(_character, body) if "\\" in body else body


def _unescaped_bytes(body: str) -> bytes:
    made, position = bytearray(), 0
    for match in _ESCAPE.finditer(body):
        made += body[position : match.start()].encode()
        made += _octets(match)
        position = match.end()
    return bytes(made + body[position:].encode())


def _octets(match: re.Match[str]) -> bytes:
    small, large, _, _, octal, _ = match.groups()
    if small or large:
        return bytes([int(small or large, 16)])
    if octal:
        return bytes([int(octal, 8)])
    if match[3] or match[4]:
        raise LiteralFault(f"{match[0]} cannot stand in bytes; write its bytes as \\xHH", match.start())
    return _character(match).encode()


def _character(match: re.Match[str]) -> str:
    small, large, four, eight, octal, letter = match.groups()
    code: Any = small or large or four or eight
    if code or octal:
        point = int(code, 16) if code else int(octal, 8)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise LiteralFault(f"{match[0]} is not a character", match.start())
        return chr(point)
    if letter is None or letter not in _LETTERS:
        raise LiteralFault(f"{match[0]!r} is not an escape sequence; write \\\\ for a backslash", match.start())
    return _LETTERS[letter]
