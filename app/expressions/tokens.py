"""Splits an expression into tokens: the part of CEL's grammar that separates names from strings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# The pattern never backtracks, so reading takes linear time. It also accepts a string that is not closed.
_TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]*+ )
    | (?P<string>
          [bB]?[rR] (?:
              \"\"\"(?:[^"]|"(?!""))*+(?:\"\"\")?
            | '''(?:[^']|'(?!''))*+(?:''')?
            | "[^"\n]*+"?
            | '[^'\n]*+'?
          )
        | [bB]? (?:
              \"\"\"(?:\\[\s\S]|[^"\\]|"(?!""))*+(?:\"\"\")?
            | '''(?:\\[\s\S]|[^'\\]|'(?!''))*+(?:''')?
            | "(?:\\.|[^"\\\n])*+"?
            | '(?:\\.|[^'\\\n])*+'?
          )
      )
    | (?P<name>   [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<number> \d[\w.]*+ )
    | (?P<other>  \S )
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, name, number or other; `end` is the position after the token."""

    kind: str
    text: str
    end: int

    @property
    def ends_a_value(self) -> bool:
        return self.kind != "other" or self.text in ")]}"


def tokens_of(text: str) -> Sequence[Token]:
    """All tokens except comments and white space."""
    return [token for match in _TOKEN.finditer(text) if (token := _token(match)).kind != "comment"]


def end_of_expression(text: str, start: int, limit: int) -> int | None:
    """The position of the brace that closes the expression. Braces of maps nest; braces in strings do not count.

    None if it is not within `limit` characters.
    """
    depth, position, stop = 0, start, min(len(text), start + limit + 1)
    while position < stop:
        match = _TOKEN.match(text, _end_of_blanks(text, position, stop), stop)
        if match is None:
            return None
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            if depth == 0:
                return match.start()
            depth -= 1
        position = match.end()
    return None


def _end_of_blanks(text: str, position: int, stop: int) -> int:
    match = _BLANKS.match(text, position, stop)
    return position if match is None else match.end()


def _token(match: re.Match[str]) -> Token:
    return Token(match.lastgroup or "", match.group(), match.end())
