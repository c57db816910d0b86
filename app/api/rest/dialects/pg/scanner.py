"""Reads a text from its beginning, one piece after another, and says where it cannot be read any further."""

from collections.abc import Container
from typing import NoReturn

from app.api.rest.dialects.pg.refused import UNREADABLE_QUERY, PgRefused

MAX_SHOWN = 100
_IN_NAMES = frozenset("_ $")


class Scanner:
    """text: what is read. what: the kind of thing that it should be, for messages."""

    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self.at = 0

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self._text[self.at : self.at + 1]

    def accept(self, word: str) -> bool:
        """Read a word, if it is the next."""
        if not self._text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def is_at(self, word: str) -> bool:
        """Whether a word is the next, without reading it."""
        return self._text.startswith(word, self.at)

    def expect(self, word: str) -> None:
        if not self.accept(word):
            self.fail(f'"{word}"')

    def expect_end(self, *others: str) -> None:
        if self.next:
            self.fail(*others, "end of input")

    def spaces(self) -> None:
        while self.next.isspace():
            self.at += 1

    def until(self, stops: Container[str]) -> str:
        """Everything up to one of these characters, or the end."""
        start = end = self.at
        while end < len(self._text) and self._text[end] not in stops:
            end += 1
        self.at = end
        return self._text[start:end]

    def rest(self) -> str:
        start, self.at = self.at, len(self._text)
        return self._text[start:]

    def digits(self) -> str:
        start = self.at
        while self.next and self.next in "0123456789":
            self.at += 1
        return self._text[start : self.at]

    def quoted(self) -> str:
        r"""A text in double quotes, in which `\` stands before any character that is meant as it is."""
        self.expect('"')
        found = []
        while self.next != '"':
            self.accept("\\")
            if not self.next:
                self.fail("closing quote")
            found.append(self.next)
            self.at += 1
        self.at += 1
        return "".join(found)

    def name(self) -> str:
        """The name of a field: letters, digits and a few others, or anything in quotes. `->` ends it."""
        if self.next == '"':
            return self.quoted()
        start = self.at
        while self._is_in_name(start):
            self.at += 1
        found = self._text[start : self.at].strip()
        if not found:
            self.fail("field name (* or [a..z0..9_$])")
        return found

    def _is_in_name(self, start: int) -> bool:
        following = self.next
        if following == "-":
            return self.at > start and not self.is_at("->")
        return following.isalnum() or (following != "" and following in _IN_NAMES)

    def fail(self, *expected: str) -> NoReturn:
        """Raise `PgRefused`: something else is here than what is expected."""
        found = f'"{self.next}"' if self.next else "end of input"
        *others, last = expected
        wanted = f"{', '.join(others)} or {last}" if others else last
        self.refuse(f"unexpected {found} expecting {wanted}")

    def refuse(self, details: str, hint: str | None = None) -> NoReturn:
        """Raise `PgRefused` for what is here."""
        shown = self._text if len(self._text) <= MAX_SHOWN else f"{self._text[:MAX_SHOWN]}…"
        message = f'"failed to parse {self._what} ({shown})" (line 1, column {self.at + 1})'
        raise PgRefused(UNREADABLE_QUERY, message, details, hint)
