"""Splits an expression into tokens, by the grammar of CEL: doc/langdef.md of cel-spec, "Syntax"."""

import re
from collections.abc import Sequence
from typing import NamedTuple

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
    | (?P<number> (?: 0[xX]\w*+ | \d*+\.\d++(?:[eE][+-]?+\d++)?+ | \d++(?:[eE][+-]?+\d++)?+ ) \w*+ )
    | (?P<field>  `[^`\n]*+`?+ )
    | (?P<other>  && | \|\| | [=!<>]= | \S )
    """,
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s*")


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: `string`, `name`, `number`, `field` (a name in backquotes), `other` or, after the last one, `end`.
        text: the characters of the token.
        start: its position in the expression, from 0.
        end: the position after it.
    """

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> Sequence[Token]:
    """All tokens except comments and white space, then one of kind `end`."""
    found = [_token(match) for match in _TOKEN.finditer(text) if match.lastgroup != "comment"]
    return [*found, Token("end", "", len(text), len(text))]


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


def place(text: str, at: int) -> str:
    """Line and column of the position `at`, for messages. Both count from 1."""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"column {column}" if "\n" not in text[:at] else f"line {line}, column {column}"


def _end_of_blanks(text: str, position: int, stop: int) -> int:
    match = _BLANKS.match(text, position, stop)
    return position if match is None else match.end()


def _token(match: re.Match[str]) -> Token:
    return Token(match.lastgroup or "", match.group(), match.start(), match.end())
