"""Finds secrets in texts and JSON values, and replaces them by stars.

All forms of some secrets are one pattern, so a search takes the same time for one secret and for fifty.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import orjson
import re2

from app.masking.forms import patterns_of

STARS = "***"

MAX_HITS = 5_000
"""More secrets in one text would take too long to replace one by one: about 20 ms so far."""

TOO_MANY = f"{STARS} (not shown: it contains secrets at more than {MAX_HITS:,} places)"

CHARACTERS_A_PATTERN = 8_192
"""Of the secrets of one pattern. RE2 gets a thousand times slower when a pattern is too large for its memory."""

MAX_MEMORY = 64 * 1024 * 1024
"""The most memory that a pattern may use, in bytes. It uses what its states need: 1 MB for 50 short secrets."""

MASKS_KEPT = 64

_NUL = "\x00"


class Mask:
    """Hides some secrets. Without any, every method returns what it is given."""

    __slots__ = ("_patterns",)

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: a secret can be a part of another one.
        self._patterns = tuple(map(_compiled, _parts(sorted(secrets, key=len, reverse=True))))

    def finds(self, text: str) -> bool:
        """Whether a secret is in the text, in any form."""
        if not self._patterns:
            return False
        data = _bytes(text)
        return any(pattern.search(data) is not None for pattern in self._patterns)

    def text(self, text: str) -> str:
        hidden = self._hidden(text)
        return TOO_MANY if hidden is None else hidden

    def json(self, text: str) -> str:
        """A JSON text with every text and number in it masked. A masked number is a text."""
        hidden = self._hidden(text)
        if hidden is text:
            return text
        if hidden is None:
            return orjson.dumps(TOO_MANY).decode()
        try:
            # Two names of an object can have become the same.
            return orjson.dumps(orjson.loads(hidden)).decode()
        except orjson.JSONDecodeError:
            # A number was hidden, or a part of an escape sequence looked like a secret.
            return orjson.dumps(self.value(orjson.loads(text))).decode()

    def value(self, value: Any) -> Any:
        """A JSON value in which every text, keys included, and every number is masked. A masked number is a text.

        Of any other object, such as one that is logged, the `repr` is searched.
        """
        if not self._patterns:
            return value
        texts = list[str]()
        _collect(value, texts)
        # One search for all: one for each would take ten times as long.
        joined = _NUL.join(texts)
        hidden = self._hidden(joined)
        if hidden is joined:
            return value
        if hidden is None:
            return TOO_MANY
        found = hidden.split(_NUL)
        if len(found) != len(texts):
            found = list(map(self.text, texts))
        return _rebuilt(value, iter(found))

    def _hidden(self, text: str) -> str | None:
        """The text itself if there is nothing to hide in it; None if there is too much."""
        if not self._patterns:
            return text
        data = hidden = _bytes(text)
        for pattern in self._patterns:
            replaced = _replaced(pattern, hidden)
            if replaced is None:
                return None
            hidden = replaced
        return text if hidden is data else hidden.decode("utf-8", "surrogatepass")


def _replaced(pattern: Any, data: bytes) -> bytes | None:
    """`data` itself if the pattern is not in it; None if it is in it too often."""
    pieces, end, stars = list[bytes](), 0, STARS.encode()
    while (match := pattern.search(data, end)) is not None:
        if len(pieces) == MAX_HITS:
            return None
        pieces.append(data[end : match.start()])
        end = match.end()
    return stars.join([*pieces, data[end:]]) if pieces else data


def _collect(value: Any, texts: list[str]) -> None:
    """Append what is searched of the value, in the order of `_rebuilt`."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, dict):
        texts.extend([key if isinstance(key, str) else repr(key) for key in value])
        for item in value.values():
            _collect(item, texts)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, texts)
    elif value is not None and not isinstance(value, bool):
        texts.append(repr(value))


def _rebuilt(value: Any, found: Iterator[str]) -> Any:
    """The value with the texts that are `found` in place of its own."""
    if isinstance(value, dict):
        keys = [_leaf(key, next(found)) for key in value]
        return {key: _rebuilt(item, found) for key, item in zip(keys, value.values(), strict=True)}
    if isinstance(value, list | tuple):
        return [_rebuilt(item, found) for item in value]
    return value if value is None or isinstance(value, bool) else _leaf(value, next(found))


def _leaf(value: Any, found: str) -> Any:
    return found if isinstance(value, str) or found != repr(value) else value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _parts(secrets: Iterable[str]) -> Iterator[str]:
    """The forms of the secrets, as patterns of bounded size."""
    forms, characters = list[str](), 0
    for secret in secrets:
        if forms and characters + len(secret) > CHARACTERS_A_PATTERN:
            yield "|".join(forms)
            forms, characters = [], 0
        forms += patterns_of(secret)
        characters += len(secret)
    if forms:
        yield "|".join(forms)


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.never_capture = True
    options.log_errors = False
    # The longest match: a secret can be a part of another one.
    options.longest_match = True
    return re2.compile(pattern, options)


NOTHING_HIDDEN = Mask(())


@lru_cache(MASKS_KEPT)
def mask_of(secrets: frozenset[str]) -> Mask:
    """The mask of these secrets; the same one for the same secrets, because it takes long to make."""
    return Mask(secrets) if secrets else NOTHING_HIDDEN
