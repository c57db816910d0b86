"""Advice for what is valid in other languages but not in CEL."""

import difflib
from collections.abc import Collection, Sequence

from app.expressions.tokens import Token

_WORDS = {
    "and": "&& means and",
    "or": "|| means or",
    "not": "! means not",
    "is": "== compares, as in x == null",
    "if": "a choice is written condition ? a : b",
    "then": "a choice is written condition ? a : b",
    "else": "a choice is written condition ? a : b",
}
_SIGNS = {
    "=": "== compares",
    "&": "&& means and",
    "|": "|| means or",
    "${": "within an expression there is no ${…}",
    "$": "names are written without $, as in input.name",
    "<>": "!= means unequal",
    "**": "there is no power",
    "++": "there is no ++",
    "//": "there is no //",
    "??": "has(input.x) ? input.x : 'default' gives a default",
    "?.": "has(input.x) tests for a field",
    "?": "has(input.x) tests for a field",
    ";": "it is one expression, without ;",
    "=>": "a loop names its variable: list.map(x, x.name)",
    "->": "a loop names its variable: list.map(x, x.name)",
}
_NAMES = {"None": "null", "nil": "null", "undefined": "null", "NULL": "null", "Null": "null"} | {
    word: word.lower() for word in ("True", "False", "TRUE", "FALSE")
}
_FUNCTIONS = {
    "len": "size(x) counts elements and characters",
    "length": "size(x) counts elements and characters",
    "count": "size(x) counts elements and characters",
    "max": "a > b ? a : b is the greater",
    "min": "a < b ? a : b is the smaller",
    "str": "string(x) makes text of a value",
    "toString": "string(x) makes text of a value",
    "toJSON": "a value within other text is written as JSON, as in 'x: ${input.x}'",
    "float": "double(x) makes a number with decimals of a value",
    "number": "int(x) and double(x) make numbers of text",
    "Number": "int(x) and double(x) make numbers of text",
    "boolean": "bool(x) makes true or false of text",
    "date": "timestamp(x) reads a time",
    "datetime": "timestamp(x) reads a time",
    "now": "an expression has no clock, so that it gives the same value again",
    "today": "an expression has no clock, so that it gives the same value again",
    "get": "has(input.x) ? input.x : 'default' gives a default",
    "default": "has(input.x) ? input.x : 'default' gives a default",
    "defined": "has(input.x) tests for a field",
    "isset": "has(input.x) tests for a field",
    "exist": "exists(x, condition) asks for any element",
    "any": "exists(x, condition) asks for any element",
    "some": "exists(x, condition) asks for any element",
    "every": "all(x, condition) asks for all elements",
    "includes": "contains(text) looks into text, and x in list into a list",
    "indexOf": "contains(text) looks into text, and x in list into a list",
    "getDay": "getDayOfWeek() is the day of the week, getDate() that of the month",
    "getYear": "getFullYear() is the year",
    "if": "a choice is written condition ? a : b",
}


def advice(text: str, tokens: Sequence[Token], position: int) -> str | None:
    """Advice for an unexpected token at `position`; None if there is none."""
    token, before = tokens[position], tokens[position - 1] if position else None
    if token.text == "}" and tokens[0].text == "{":
        return "an expression in a text is written ${…}, with one pair of braces"
    for place in (before, token):
        if place is not None and place.text.lower() in _WORDS:
            return _WORDS[place.text.lower()]
    if token.kind == "end":
        return None
    here = text[token.start : token.start + 2]
    around = text[max(token.start - 1, 0) : token.end]
    for sign in (around, here, token.text):
        if sign in _SIGNS:
            return _SIGNS[sign]
    return None


def name_hint(name: str) -> str | None:
    """Advice for an unknown name; None if there is none."""
    return f"it is written {_NAMES[name]}" if name in _NAMES else None


def function_hint(name: str, known: Collection[str]) -> str | None:
    """Advice for an unknown function; None if there is none."""
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    lower = next((word for word in sorted(known) if word.lower() == name.lower()), None)
    return f"did you mean {lower or near[0]!r}?" if lower or near else None
