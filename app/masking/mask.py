"""Finds secrets in texts and JSON values, and replaces them by stars.

All secrets and all their forms are one pattern, so a search takes the same time for one secret and for fifty.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import orjson
import re2

from app.masking.forms import patterns_of

STARS = "***"

MAX_MEMORY = 256 * 1024 * 1024
"""The most memory that a pattern may use, in bytes. It uses what its states need: 1 MB for 50 secrets."""


class Mask:
    """Hides some secrets. Without any, every method returns what it is given."""

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str]) -> None:
        patterns = [pattern for secret in secrets for pattern in patterns_of(secret)]
        self._pattern = _compiled("|".join(patterns)) if patterns else None

    def finds(self, text: str) -> bool:
        """Whether a secret is in the text, in any form."""
        return self._pattern is not None and self._pattern.search(_bytes(text)) is not None

    def text(self, text: str) -> str:
        if self._pattern is None or self._pattern.search(data := _bytes(text)) is None:
            return text
        masked: bytes = self._pattern.sub(STARS.encode(), data)
        return masked.decode("utf-8", "surrogatepass")

    def json(self, text: str) -> str:
        """A JSON text with every text and number in it masked."""
        return orjson.dumps(self.value(orjson.loads(text))).decode() if self.finds(text) else text

    def value(self, value: Any) -> Any:
        """A JSON value in which every text, keys included, and every number is masked. A masked number is a text.

        Of any other object, such as one that is logged, the `repr` is searched.
        """
        if self._pattern is None:
            return value
        if isinstance(value, dict):
            leaf = self._leaves([*value, *value.values()])
            return {leaf(key): self.value(item) if _is_whole(item) else leaf(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            leaf = self._leaves(value)
            return [self.value(item) if _is_whole(item) else leaf(item) for item in value]
        return self._leaf(value)

    def _leaves(self, values: Iterable[Any]) -> Callable[[Any], Any]:
        """What masks those of the values that are not made of others. One search tells whether there is anything to
        mask: a large list would take too long otherwise.
        """
        texts = [value if isinstance(value, str) else repr(value) for value in values if not _is_whole(value)]
        return self._leaf if self.finds("\0".join(texts)) else _same

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool):
            return value
        written = repr(value)
        return self.text(written) if self.finds(written) else value


NOTHING_HIDDEN = Mask(())


@lru_cache(256)
def mask_of(secrets: frozenset[str]) -> Mask:
    """The mask of these secrets; the same one for the same secrets, because it takes long to make."""
    return Mask(sorted(secrets)) if secrets else NOTHING_HIDDEN


def _is_whole(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def _same(value: Any) -> Any:
    return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.never_capture = True
    options.log_errors = False
    # The longest match: a secret can be a part of another one.
    options.longest_match = True
    return re2.compile(pattern, options)
