"""What is wrong with a text that is not YAML, in sentences that say what to do, in place of the parser's words."""

import re
from typing import NamedTuple

import yaml
from yaml.reader import ReaderError

from app.api.rest.files.places import DocumentError


class _Mistake(NamedTuple):
    """How to explain an error of the parser.

    sign: matches the error's context and problem, separated by `|`.
    sentence: what to say; `{0}` is the first group of `sign`.
    at_start: whether the place to show is where the thing begins, and not where the parser noticed it.
    """

    sign: re.Pattern[str]
    sentence: str
    at_start: bool = False


_INDENTATION = "correct the indentation"
_MISTAKES = [
    _Mistake(re.compile(sign), *rest)
    for sign, *rest in (
        (r".*\|found character '\\t'", "a tab is not allowed here; indent with spaces"),
        (r".*\|found character ('.+'|\".+\") that cannot", "a value cannot begin with {0}; put it in quotes"),
        (
            r".*\|mapping values are not allowed",
            f"`:` is not allowed here; put a text that contains `: ` in quotes, or {_INDENTATION}",
        ),
        (r".*\|sequence entries are not allowed", "`- ` is not allowed here; a list begins on a line of its own"),
        (r".*\|mapping keys are not allowed", f"`? ` is not allowed here; put the text in quotes, or {_INDENTATION}"),
        (r"while scanning a simple key\|", "`:` is missing after this name", True),
        (r"while scanning a quoted scalar\|", "the text that begins here has no closing quote", True),
        (r".*\|found unknown escape character '(.+)'", r"`\{0}` is not an escape; write `\\` or use single quotes"),
        (r".*\|expected escape sequence of (\d)", "this escape needs {0} hexadecimal digits"),
        (r"while parsing a flow sequence\|", "`,` or `]` is missing here, in the list that begins at line {start}"),
        (r"while parsing a flow mapping\|", "`,` or `}}` is missing here, in the mapping that begins at line {start}"),
        (r".*\|invalid indentation or unclosed", f"`[` or `{{{{` is not closed before this, or {_INDENTATION}"),
        (r".*expected <block end>, but found '<scalar>'", "the value has ended before this; put all of it in quotes"),
        (r".*expected <block end>, but found '-'", f"`- ` is not allowed among fields; {_INDENTATION}"),
        (r".*expected <block end>, but found '\?'", f"a field is not allowed among list elements; {_INDENTATION}"),
        (r".*expected <block end>", f"this is not indented as the lines before it; {_INDENTATION}"),
        (r".*\|expected the node content", "a value is missing here"),
        (r".*\|found undefined alias '(.+)'", "`*{0}` names no anchor; put a text that begins with `*` in quotes"),
        (r"found duplicate anchor '(.+)'", "the anchor `&{0}` exists already"),
        (r"while scanning an (alias|anchor)\|", "a text that begins with `*` or `&` must be in quotes"),
        (r"while scanning a block scalar\|", "nothing may follow `|` or `>` on its line; the text begins on the next"),
        (r"while (scanning|parsing) a tag\||.*tag handle", "a text that begins with `!` must be in quotes"),
        (r".*directive|.*incompatible YAML", "a line that begins with `%` cannot be used here; remove it"),
        (r".*document (start|separator)", "`---` is missing before this document"),
    )
]
_UNKNOWN = "this cannot be read as YAML"


def explained(error: yaml.MarkedYAMLError) -> DocumentError:
    """The error in a sentence. An error without a context that is not known here has a sentence already."""
    text = f"{error.context or ''}|{error.problem}"
    for mistake in _MISTAKES:
        if found := mistake.sign.match(text):
            start = error.context_mark
            sentence = mistake.sentence.format(*found.groups(), start=start.line + 1 if start else "?")
            return _at(start if mistake.at_start and start else error.problem_mark, sentence)
    return _at(error.problem_mark, _UNKNOWN if error.context or not error.problem else error.problem)


def explained_character(error: ReaderError, text: str) -> DocumentError:
    """The error about a character that YAML does not allow, with the place of the character."""
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code = error.character if isinstance(error.character, int) else ord(error.character[:1])
    return DocumentError(line, f"the character U+{code:04X} is not allowed; write it as an escape in quotes", column)


def _at(mark: yaml.Mark | None, sentence: str) -> DocumentError:
    return DocumentError(None, sentence) if mark is None else DocumentError(mark.line + 1, sentence, mark.column + 1)
