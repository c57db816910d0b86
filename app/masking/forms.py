"""The forms in which a secret can occur in a text, as regular expressions of RE2.

A secret is written plainly, or escaped as JSON, `repr` and `ascii` do, also several times over (JSON inside JSON), or
percent-encoded as URLs and forms are, or as a part of something in base64, such as the `user:secret` of basic
authentication. The long lines of a secret are secrets too: a text can have other line breaks than the file.
"""

import base64
from collections.abc import Iterator

import re2

MIN_LINE = 16
"""A line of a secret that has this many characters is hidden by itself. Shorter lines can be ordinary words."""

BASE64_BYTES = 48
"""How many bytes of a secret are looked for in base64. All that follows them in base64 is hidden, too."""

_SLASH = r"(?:\\|%(?:25)*5[cC])"
_BREAK = rf"(?:\r|\n|{_SLASH}+[rn]|%(?:25)*0[aAdD])+[ \t]*"
_ESCAPES = {"\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a"}
_PERCENT = "%(?:25)*"
_IN_BASE64 = {"+": r"(?:\+|-|%(?:25)*2[bB])", "/": r"(?:/|_|%(?:25)*2[fF])"}
_REST_OF_BASE64 = r"(?:[A-Za-z0-9+/_-]|%(?:25)*2[bBfF])*(?:=|%(?:25)*3[dD])*"


def patterns_of(secret: str) -> Iterator[str]:
    """The patterns that match the forms of `secret`."""
    yield _written(secret)
    yield from _in_base64(secret)
    lines = secret.splitlines()
    for line in lines if len(lines) > 1 else ():
        if len(line.strip()) >= MIN_LINE and not _is_label(line.strip()):
            yield _written(line.strip())


def _is_label(line: str) -> bool:
    """True for `-----BEGIN PRIVATE KEY-----` and the like, which every key has."""
    return line.startswith("-----") and line.endswith("-----")


def _written(text: str) -> str:
    return "".join(map(_character, text.replace("\r\n", "\n")))


def _character(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    if character in "\r\n":
        return _BREAK
    number, utf8 = ord(character), character.encode("utf-8", "surrogatepass")
    # Each level of escaping doubles the backslashes, so any number of them can stand before a character.
    plain = [re2.escape(character), "".join(_PERCENT + _hex(byte, 2) for byte in utf8)]
    plain += [r"\+", _PERCENT + "2[bB]"] if character == " " else []
    escaped = [f"{_SLASH}+{_ESCAPES[character]}"] if character in _ESCAPES else []
    if number < 32 or number > 126:
        escaped += _by_number(character, number, utf8)
    found = f"{_SLASH}*(?:{'|'.join(plain)})"
    return f"(?:{found}|{'|'.join(escaped)})" if escaped else found


def _by_number(character: str, number: int, utf8: bytes) -> Iterator[str]:
    """The escapes of JSON and Python that give the number of the character, or those of its bytes."""
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(utf16[at : at + 2], "big") for at in range(0, len(utf16), 2)]
    yield "".join(_SLASH + "+u" + _hex(unit, 4) for unit in units)
    yield "".join(_SLASH + "+x" + _hex(byte, 2) for byte in utf8)
    if number < 256:
        yield _SLASH + "+x" + _hex(number, 2)
    if number > 0xFFFF:
        yield _SLASH + "+U" + _hex(number, 8)


def _hex(number: int, digits: int) -> str:
    text = f"{number:0{digits}x}"
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in text)


def _in_base64(secret: str) -> Iterator[str]:
    """What is sure to be in the base64 of a text that contains the secret, for each of the three places in a group.

    Three bytes make four characters. Those at both ends that also depend on the neighbours are left out.
    """
    data = secret.encode("utf-8", "surrogatepass")[:BASE64_BYTES]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        own = encoded[-(-8 * before // 6) : 8 * (before + len(data)) // 6]
        yield "".join(_IN_BASE64.get(character, character) for character in own) + _REST_OF_BASE64
