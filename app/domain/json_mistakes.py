"""What is wrong with a text that is not JSON, in sentences that say what to do, in place of a parser's words."""

import json

from app.domain.errors import Invalid

# By the beginning of the message of Python's parser.
_SENTENCES = {
    "Expecting value": "a value is missing here",
    "Expecting property name": "a name in double quotes is missing here",
    "Expecting ':'": "`:` is missing here",
    "Expecting ','": "`,` or a closing bracket is missing here",
    "Extra data": "the document has ended before this",
    "Unterminated string": "the text that begins here has no closing quote",
    "Invalid control character": "a control character must be written as an escape, as `\\n`",
    "Invalid \\": '`\\` must be followed by one of `"\\/bfnrtu`',
    "Illegal trailing comma": "`,` must be followed by another element",
    "Unexpected UTF-8 BOM": "the byte order mark must be left out",
}


class NotJson(Invalid):
    """A text is not JSON.

    line: where it is wrong, from 1.
    column: as `line`, in characters.
    reason: a sentence.
    """

    def __init__(self, path: str, line: int, column: int, reason: str) -> None:
        super().__init__(Invalid.at(path, f"is not JSON at line {line}, column {column}: {reason}").problems)
        self.line = line
        self.column = column
        self.reason = reason


def mistake(error: json.JSONDecodeError, path: str) -> NotJson:
    """An error of Python's parser, explained."""
    reason = next((words for start, words in _SENTENCES.items() if error.msg.startswith(start)), "this cannot be read")
    return NotJson(path, error.lineno, error.colno, reason)


def not_utf8(error: UnicodeDecodeError, path: str) -> NotJson:
    """A text whose bytes are not UTF-8. Python cannot tell the column behind a wrong byte: all before it is decoded."""
    before = error.object[: error.start].decode()
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return NotJson(path, line, column, f"the byte 0x{error.object[error.start]:02X} is not UTF-8")
