"""Templates: what becomes of a JSON value with expressions in its strings."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.template import compile_condition, compile_template, count_expressions, templated_paths

SCOPE = {
    "input": {"n": 7, "text": "a b", "list": [1, 2.5, None], "object": {"k": True}, "none": None, "yes": True, "": 1},
    "tasks": {"get data": {"output": {"id": 5}, "status": "completed"}},
    "execution": {"id": "e"},
    "workflow": {"id": 1, "key": None, "revision": 2},
    "vars": {"zone": "${no expression}"},
    "secrets": {"TOKEN": "s3cret"},
}


def filled(value, scope=SCOPE):
    template, faults = compile_template(value)
    assert not faults
    return template.fill(scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${input.n}", 7),
        ("${input.list}", [1, 2.5, None]),
        ("${input.object}", {"k": True}),
        ("${input.none}", None),
        ("${input.yes}", True),
        ("${input.text}", "a b"),
        ("${ input.n }", 7),
        ("${\n input.n\t}", 7),
        ("${input.n + 1}", 8),
        ("${input.n > 1 ? 'big' : 'small'}", "big"),
        ("${tasks['get data'].output.id}", 5),
        ('${tasks["get data"].status}', "completed"),
        ("${input['n']}", 7),
        ("${input.list[1]}", 2.5),
        ("${{'a': {'b': [input.n]}}}", {"a": {"b": [7]}}),
        ("${vars.zone}", "${no expression}"),
    ],
)
def test_a_string_that_is_one_expression_becomes_its_value(text, expected):
    found = filled(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ${input.n}", " 7"),
        ("${input.n}${input.n}", "77"),
        ("n=${input.n}, ok=${input.yes}, none=${input.none}", "n=7, ok=true, none=null"),
        ("<${input.text}>", "<a b>"),
        ("list ${input.list}", "list [1,2.5,null]"),
        ("object ${input.object}", 'object {"k":true}'),
        ("a } ${input.n} } b", "a } 7 } b"),
        ("${'}'}!", "}!"),
        ("${'{'}!", "{!"),
        ('${"}"}!', "}!"),
        ("${'it\\'s } here'}!", "it's } here!"),
        ("${r'\\'}!", "\\!"),
        ("${'''}'''}!", "}!"),
        ("${'${'}!", "${!"),
        ("${{'a': '}'}.a}!", "}!"),
        ("${1 // a } in a comment\n}!", "1!"),
        ("ü${input.text}😀", "üa b😀"),
    ],
)
def test_within_other_text_a_value_is_written_as_text(text, expected):
    assert filled(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$${input.n}", "${input.n}"),
        ("$${", "${"),
        ("a $${b} ${input.n} $${c}", "a ${b} 7 ${c}"),
        ("$$${x}", "$${x}"),
        ("$${$${", "${${"),
        ("$${${input.n}}", "${7}"),
        ("$", "$"),
        ("$$", "$$"),
        ("a$b {c} }", "a$b {c} }"),
        ("100 $ {x}", "100 $ {x}"),
        ("${'$'}${input.n}", "$7"),
    ],
)
def test_two_dollars_stand_for_the_characters_themselves(text, expected):
    assert filled(text) == expected


def test_every_string_of_a_value_is_filled_in_and_nothing_else():
    value = {
        "url": "https://x/${input.n}",
        "list": ["${input.list}", {"deep": "${input.text}"}, 1, None, True, "plain"],
        "${input.n}": "keys stay",
    }
    assert filled(value) == {
        "url": "https://x/7",
        "list": [[1, 2.5, None], {"deep": "a b"}, 1, None, True, "plain"],
        "${input.n}": "keys stay",
    }
    assert templated_paths(value) == {".url", ".list[0]", ".list[1].deep"}


def test_a_value_that_is_filled_in_is_not_a_template_itself():
    assert filled("${input.a}", {"input": {"a": "${input.a} $${"}}) == "${input.a} $${"


@pytest.mark.parametrize(
    ("text", "is_templated"),
    [
        ("${a}", True),
        ("$${a}", False),
        ("$${a} ${b}", True),
        ("$$${{", False),
        ("{", False),
        ("a${", True),
        ("", False),
    ],
)
def test_which_strings_are_templates(text, is_templated):
    assert bool(templated_paths({"x": text})) == is_templated
    assert bool(count_expressions(text)) == is_templated


def test_faults_have_the_path_of_their_string_and_all_are_told():
    value = {"a": ["${", "${1 +}"], "b": {"c": "x ${nothing} y"}, "fine": "${input.n}"}
    template, faults = compile_template(value)
    assert [(fault.path, fault.source) for fault in faults] == [
        (".a[0]", "${"),
        (".a[1]", "1 +"),
        (".b.c", "nothing"),
    ]
    assert [expression.source for expression in template.expressions] == ["input.n"]


@pytest.mark.parametrize(
    ("text", "source"), [("input.n > 1", "input.n > 1"), (" ${ input.n > 1 } ", "input.n > 1"), ("'${'=='${'", None)]
)
def test_a_condition_may_stand_alone_or_in_braces(text, source):
    condition = compile_condition(text)
    assert condition.source == (source or text)
    assert condition.evaluate(SCOPE) is True


@pytest.mark.parametrize("text", ["${input.a} ${input.b}", "${input.a} > 1", "${input.a", "$${input.a}", "", "${}"])
def test_a_condition_is_exactly_one_expression(text):
    with pytest.raises(ExpressionError):
        compile_condition(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${input.gone}", "there is no 'gone'"),
        ("${input.n.deep}", "there is no 'deep' in a number"),
        ("${input.list[9]}", "there is no element 9: the list has 3"),
        ("${input.object[0]}", "there is no element 0 in an object"),
        ("${input.text.x}", "there is no 'x' in a text"),
        ("${input.none.x}", "there is no 'x' in null"),
        ("${input.gone + 1}", "there is no 'gone'"),
        ("${1 / (input.n - 7)}", "division by zero"),
        ("${duration('1h')}", "the result holds something that JSON cannot (duration); string(…) makes text of it"),
        ("${b'x'}", "the result holds something that JSON cannot (bytes); string(…) makes text of it"),
        ("${[double('NaN')]}", "the result holds a number that is not finite, which JSON cannot"),
        ("${{'a': 1.0 / 0.0}}", "the result holds a number that is not finite, which JSON cannot"),
    ],
)
def test_an_expression_without_a_value_says_why(text, reason):
    template, faults = compile_template(text)
    assert not faults
    with pytest.raises(EvaluationError) as caught:
        template.fill(SCOPE)
    assert str(caught.value).startswith(f"{text}: {reason}")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=5), children, max_size=5),
    max_leaves=20,
)


@given(st.text().filter(lambda text: "${" not in text))
def test_a_string_without_an_expression_comes_back_unchanged(text):
    template, faults = compile_template(text)
    assert (template.fill({}), template.expressions, list(faults)) == (text, (), [])


@given(JSON)
def test_a_named_value_arrives_as_it_is(value):
    assert orjson.dumps(filled("${input.x}", {"input": {"x": value}})) == orjson.dumps(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_doubled_dollars_escape_any_text(text):
    escaped = text.replace("${", "$${")
    # A dollar in front of ${ is read as its escape, so such a text cannot be written this way.
    if "$${" not in text:
        assert filled(escaped) == text
