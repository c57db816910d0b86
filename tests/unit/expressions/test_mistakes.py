"""What is written by those who know other languages: the message says where it is wrong, and what CEL has instead."""

import pytest

from app.expressions.errors import ExpressionError
from app.expressions.expression import compile_expression
from app.expressions.template import compile_condition, compile_template

AT = "is no expression: at column"
MISTAKES = [
    ("input.a and input.b", f"{AT} 9: unexpected 'and'; && means and"),
    ("input.a AND input.b", f"{AT} 9: unexpected 'AND'; && means and"),
    ("input.a or input.b", f"{AT} 9: unexpected 'or'; || means or"),
    ("not input.a", f"{AT} 5: unexpected 'input'; ! means not"),
    ("input.a == 1 and not input.b", f"{AT} 14: unexpected 'and'; && means and"),
    ("input.a not in [1]", f"{AT} 9: unexpected 'not'; ! means not"),
    ("input.a is null", f"{AT} 9: unexpected 'is'; == compares, as in x == null"),
    ("if input.a then 1 else 2", f"{AT} 1: unexpected 'if'; a choice is written condition ? a : b"),
    ("1 if input.a else 2", f"{AT} 3: unexpected 'if'; a choice is written condition ? a : b"),
    ("input.a = 1", f"{AT} 9: unexpected '='; == compares"),
    ("input.a === 1", f"{AT} 11: unexpected '='; == compares"),
    ("input.a <> 1", f"{AT} 10: unexpected '>'; != means unequal"),
    ("input.a & input.b", f"{AT} 9: unexpected '&'; && means and"),
    ("input.a | input.b", f"{AT} 9: unexpected '|'; || means or"),
    ("$input.a > 1", f"{AT} 1: unexpected '$'; names are written without $, as in input.name"),
    ("1 + ${input.a}", f"{AT} 5: unexpected '$'; within an expression there is no ${{…}}"),
    ("1 + $name", f"{AT} 5: unexpected '$'; names are written without $, as in input.name"),
    ("input.a ?? 1", f"{AT} 10: unexpected '?'; has(input.x) ? input.x : 'default' gives a default"),
    ("input.a ** 2", f"{AT} 10: unexpected '*'; there is no power"),
    ("input.a;", f"{AT} 8: unexpected ';'; it is one expression, without ;"),
    ("input.list.map(x => x.a)", f"{AT} 18: unexpected '='; a loop names its variable: list.map(x, x.name)"),
    ("input.a\n  and input.b", "is no expression: at line 2, column 3: unexpected 'and'; && means and"),
    ("len(input.a)", "there is no function 'len' at column 1: size(x) counts elements and characters"),
    ("1 + input.a.length()", "there is no function 'length' at column 13: size(x) counts elements and characters"),
    ("str(input.a)", "there is no function 'str' at column 1: string(x) makes text of a value"),
    (
        "now()",
        "there is no function 'now' at column 1: an expression has no clock, so that it gives the same value again",
    ),
    ("input.a == None", "there is no 'None' at column 12: it is written null"),
    ("input.a == True", "there is no 'True' at column 12: it is written true"),
    ("input.list.some(x)", "there is no function 'some' at column 12: exists(x, condition) asks for any element"),
    ("input.a ==", f"{AT} 11: the text ends too early"),
    ("input.a &&", f"{AT} 11: the text ends too early"),
    ("(input.a", f"{AT} 9: the text ends too early, ')' is missing"),
    ("[1, 2", f"{AT} 6: the text ends too early, ']' is missing"),
    ("input.a, 1", f"{AT} 8: unexpected ','"),
]


@pytest.mark.parametrize(("source", "message"), MISTAKES)
def test_the_message_says_where_and_what_was_meant(source, message):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert str(caught.value) == message


def test_braces_of_other_templates_are_explained():
    with pytest.raises(ExpressionError) as caught:
        compile_condition("{{ input.a > 1 }}")
    assert (
        str(caught.value)
        == f"{AT} 16: unexpected '}}'; an expression in a text is written ${{…}}, with one pair of braces"
    )
    _, faults = compile_template({"message": "${{ input.a }}"})
    assert [(fault.path, fault.message) for fault in faults] == [
        (".message", f"{AT} 11: unexpected '}}'; an expression in a text is written ${{…}}, with one pair of braces")
    ]


def test_what_only_looks_like_a_mistake_is_none():
    for source in ("input['and'] == input.not", "input.list.map(or, or)", "'a = b' == '$x'", "input.len > 1"):
        assert compile_expression(source)
