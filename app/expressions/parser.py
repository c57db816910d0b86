"""Parses an expression, by the grammar of CEL: doc/langdef.md of cel-spec, "Syntax".

Messages, `Type{field: 1}`, and optional fields, `a.?b`, are not supported.
"""

from collections.abc import Sequence
from typing import NoReturn

from app.expressions import literals
from app.expressions.errors import ExpressionError
from app.expressions.limits import MAX_DEPTH
from app.expressions.literals import LiteralFault
from app.expressions.macros import expanded
from app.expressions.mistakes import advice
from app.expressions.syntax import (
    Call,
    Chain,
    Choice,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    depth,
)
from app.expressions.tokens import Token, place, tokens_of

_CONSTANTS = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    word
    for words in (
        "as break const continue else for function if import in",
        "let loop namespace package return var void while",
    )
    for word in words.split()
)
_BINDS = {"||": 1, "&&": 2} | dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), 3)
_BINDS |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
"""The precedence of the binary operators."""


def parse(text: str) -> Node:
    """The syntax tree of `text`. Raise `ExpressionError` with the position, and advice for common mistakes."""
    try:
        node = _Parser(text).whole()
    except RecursionError:
        raise ExpressionError("is nested too deeply") from None
    if depth(node) > MAX_DEPTH:
        raise ExpressionError("is nested too deeply")
    return node


class _Parser:
    """Recursive descent for nested parts; binary operators are parsed in a loop, without recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: Sequence[Token] = tokens_of(text)
        self._position = 0
        self._level = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._token.kind != "end":
            self._unexpected()
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _take(self, *texts: str) -> Token | None:
        """Consume and return the next token if it is one of `texts`; None otherwise."""
        token = self._token
        if token.text not in texts or token.kind not in ("other", "name"):
            return None
        self._position += 1
        return token

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            self._unexpected(missing=text)

    def _expression(self) -> Node:
        self._level += 1
        if self._level > MAX_DEPTH:
            raise ExpressionError("is nested too deeply")
        cases: list[tuple[Node, Node]] = []
        node = self._operators()
        while self._take("?"):
            then = self._operators()
            self._expect(":")
            cases.append((node, then))
            node = self._operators()
        self._level -= 1
        return Choice(tuple(cases), node) if cases else node

    def _operators(self) -> Node:
        """Operands and binary operators, joined by precedence, from left to right."""
        operands, operators = [self._operand()], list[str]()
        while (taken := self._take(*_BINDS)) is not None:
            while operators and _BINDS[operators[-1]] >= _BINDS[taken.text]:
                _join(operands, operators.pop())
            operators.append(taken.text)
            operands.append(self._operand())
        while operators:
            _join(operands, operators.pop())
        return operands[0]

    def _operand(self) -> Node:
        first = self._take("!", "-")
        if first is None:
            return self._members(self._primary())
        count = 1
        while self._take(first.text):
            count += 1
        if first.text == "-" and self._token.kind == "number":
            count -= 1
            node = self._members(self._number(is_negative=True))
        else:
            node = self._members(self._primary())
        return Unary(first.text, count, node) if count else node

    def _members(self, node: Node) -> Node:
        """`node` with all fields, indices and calls that follow it."""
        while (sign := self._take(".", "[")) is not None:
            if self._token.text == "?":
                self._fail("optional fields are not supported; has(input.x) tests for a field")
            if sign.text == "[":
                node = Index(node, self._expression())
                self._expect("]")
            else:
                node = self._member(node)
        return node

    def _member(self, operand: Node) -> Node:
        token = self._token
        if token.kind == "field" and len(token.text) > 2 and token.text.endswith("`"):
            self._position += 1
            return Select(operand, token.text[1:-1])
        if token.kind != "name":
            self._unexpected()
        if token.text in _CONSTANTS or token.text == "in":
            self._fail(f"{token.text!r} is a reserved word; write the field as ['{token.text}']")
        self._position += 1
        if self._take("("):
            return self._call(token, self._list_to(")"), operand)
        return Select(operand, token.text)

    def _call(self, name: Token, arguments: tuple[Node, ...], target: Node | None = None) -> Node:
        macro = expanded(name.text, target, arguments, name.start)
        return macro or Call(name.text, arguments if target is None else (target, *arguments), name.start)

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "number":
            return self._number()
        if token.kind in ("string", "name"):
            return self._string() if token.kind == "string" else self._name()
        if self._take("("):
            node = self._expression()
            self._expect(")")
            return node
        if self._take("["):
            return ListOf(self._list_to("]", may_end_with_comma=True))
        if self._take("{"):
            return self._map()
        if token.text == "." and self._tokens[self._position + 1].kind == "name":
            raise ExpressionError(f"there is no '.{self._tokens[self._position + 1].text}'")
        return self._unexpected()

    def _name(self) -> Node:
        token = self._token
        if token.text in _RESERVED:
            self._unexpected()
        self._position += 1
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        if self._take("("):
            return self._call(token, self._list_to(")"))
        if self._token.text == "{":
            self._fail(f"{token.text}{{…}} creates a message, which is not supported; write {{'a': 1}} for a map")
        return Name(token.text, token.start)

    def _list_to(self, end: str, *, may_end_with_comma: bool = False) -> tuple[Node, ...]:
        items = list[Node]()
        while not self._take(end):
            if items:
                self._expect_comma(end)
                if may_end_with_comma and self._take(end):
                    break
            items.append(self._expression())
        return tuple(items)

    def _map(self) -> Node:
        entries, seen = list[tuple[Node, Node]](), set[tuple[type, object]]()
        while not self._take("}"):
            if entries:
                self._expect_comma("}")
                if self._take("}"):
                    break
            at = self._token
            key = self._expression()
            if isinstance(key, Literal):
                self._check_key(key.value, at, seen)
            self._expect(":")
            entries.append((key, self._expression()))
        return MapOf(tuple(entries))

    def _check_key(self, key: object, at: Token, seen: set[tuple[type, object]]) -> None:
        if (type(key), key) in seen:
            self._fail(f"the key {at.text} appears twice in one map", at.start)
        seen.add((type(key), key))

    def _expect_comma(self, end: str) -> None:
        if not self._take(","):
            self._unexpected(missing=end)

    def _number(self, *, is_negative: bool = False) -> Node:
        try:
            value = literals.number(self._token.text, is_negative=is_negative)
        except LiteralFault as error:
            self._fail(str(error))
        self._position += 1
        return Literal(value)

    def _string(self) -> Node:
        token = self._token
        try:
            value = literals.string(token.text)
        except LiteralFault as error:
            self._fail(str(error), token.start + error.offset)
        self._position += 1
        return Literal(value, literals.is_plain(token.text))

    def _unexpected(self, missing: str = "") -> NoReturn:
        token = self._token
        what = "the text ends too early" if token.kind == "end" else f"unexpected {token.text!r}"
        if missing and token.kind == "end":
            what += f", {missing!r} is missing"
        meant = advice(self._text, self._tokens, self._position)
        self._fail(what if meant is None else f"{what}; {meant}")

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        where = place(self._text, self._token.start if at is None else at)
        raise ExpressionError(f"is no expression: at {where}: {message}")


def _join(operands: list[Node], operator: str) -> None:
    """Replace the last two operands by one. A chain on the left is extended, so that long chains do not add depth."""
    right, left = operands.pop(), operands.pop()
    if operator in ("&&", "||"):
        joined = left.operands if isinstance(left, Logic) and left.operator == operator else (left,)
        operands.append(Logic(operator, (*joined, right)))
    elif isinstance(left, Chain):
        operands.append(Chain(left.first, (*left.rest, (operator, right))))
    else:
        operands.append(Chain(left, ((operator, right),)))
