"""JSON Schemas that others state: what is taken, and that none of them holds up the process."""

import pytest

from app.contracts.contract import MOST_CHECKS, Contract, contract
from app.contracts.json_schemas import MAX_BYTES, MAX_MESSAGE, compile_schema, problems_of_schema
from tests.support.cost import at_most

FEW = 20_000
"""Units of CPU time: twenty times what the dearest takes; without limits some would never end."""
REFUSED_WORDS = ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary"]


def problems(schema) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in problems_of_schema(schema, "S")]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": ["object", "null"]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"$defs": {"a/b c~": {}}, "items": {"$ref": "#/$defs/a~1b%20c~0"}},
        {"properties": {"$ref": {}, "$id": {}, "default": {}, "properties": {"properties": {"$anchor": {}}}}},
        {"const": {"$ref": "https://example.com", "$id": 1}, "enum": [{"$id": "x"}], "default": {"$ref": "#"}},
        {"pattern": "^[a-z]{1,50}$", "format": "date"},
        {"prefixItems": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"minimum": 1}}},
        {"made-up": "word"},
    ],
)
def test_what_stands_for_itself_is_taken(schema):
    assert problems(schema) == []
    compile_schema(schema)


@pytest.mark.parametrize("word", REFUSED_WORDS)
def test_what_would_stand_for_more_is_refused_wherever_it_is(word):
    assert problems({word: "a"}) == [(f"S.{word}", "is not known here: a schema stands for itself alone")]
    for schema, place in (
        ({"items": {word: "a"}}, "S.items"),
        ({"properties": {"default": {word: "a"}}}, "S.properties.default"),
        ({"$defs": {"x": {"anyOf": [{}, {word: "a"}]}}}, "S.$defs.x.anyOf[1]"),
    ):
        assert [path for path, _ in problems(schema)] == [f"{place}.{word}"]


@pytest.mark.parametrize(
    "target", ["", "#", "#a", "https://example.com/s", "//example.com", "file:///etc/passwd", "x.json#/a", "urn:a"]
)
def test_only_pointers_into_the_schema_refer(target):
    expected = [("S.not.$ref", "must point into the schema itself, like #/$defs/name")]
    assert problems({"not": {"$ref": target}, "$defs": {}}) == expected


def test_what_slips_by_as_data_is_refused_all_the_same():
    assert problems({"$ref": "#/const", "const": {"$ref": "https://example.com/s"}}) != []
    assert problems({"$ref": "#/const", "const": {"$ref": "#/const"}}) == [("S", "must not refer back to itself")]
    assert problems({"$ref": "#/const", "const": {"allOf": [{"$ref": "#/const"}]}}) == [
        ("S", "must not refer back to itself")
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"properties": {"a": {"items": {"$ref": "#/properties"}}, "items": {}}},
    ],
)
def test_a_schema_never_comes_back_to_itself(schema):
    assert problems(schema)


def doubling(levels: int) -> dict:
    twice = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": twice | {f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    "schema",
    [
        doubling(200),
        doubling(12),
        pytest.param(
            {"allOf": [{"pattern": "(a{900}){%d}" % n} for n in range(100)]},  # noqa: UP031 - braces
            marks=pytest.mark.slow,
        ),
        pytest.param({"patternProperties": {r"\p{L}{%d}" % n: {} for n in range(100)}}, marks=pytest.mark.slow),  # noqa: UP031
        {"x" * 50_000: {}},
        {"required": [str(n) for n in range(5_000)]},
        {"enum": list(range(10_000))},
        {"properties": {str(n): {"$ref": "#/$defs/a"} for n in range(1_500)}, "$defs": {"a": {"type": "string"}}},
    ],
    ids=range(8),
)
def test_judging_and_using_a_hostile_schema_ends_soon(schema):
    with at_most(FEW):
        if not problems(schema):
            validator = compile_schema(schema)
            for value in ({}, {"a": [{}] * 100}, "a" * 10_000):
                validator.is_valid(value)


def test_limits_say_what_is_over_them():
    assert problems(doubling(200)) == [("S", "is nested too deeply with its references filled in")]
    assert problems(doubling(20))[0][1].endswith("keywords with its references filled in; the limit is 20000")
    [(path, message)] = problems({"description": "x" * MAX_BYTES})
    assert (path, message) == ("S", f"has {MAX_BYTES + 18} bytes; the limit is {MAX_BYTES}")
    deep: dict = {}
    for _ in range(51):
        deep = {"not": deep}
    assert problems(deep) == [("S", "must not be nested deeper than 50 levels")]
    assert problems({"allOf": [{"pattern": str(n)} for n in range(101)]}) == [
        ("S", "has 101 patterns; the limit is 100")
    ]


def test_patterns_are_limited_by_what_they_become():
    heavy = {"anyOf": [{"pattern": r"\pL{60}"}, {"patternProperties": {r"\pL{70}": {}}}]}
    [(path, message)] = problems(heavy)
    assert path == "S"
    assert message.startswith("has patterns of about 156460 states; the limit is 150000.")
    with at_most(FEW):
        assert problems({"allOf": [{"pattern": r"\pL{%d}" % n} for n in range(30, 90)]})  # noqa: UP031


def test_the_first_mismatch_is_found_without_the_others():
    held = Contract({"items": {"anyOf": [{"const": n} for n in range(3_300)]}})
    with at_most(FEW // 20):
        [problem] = held.problems([-1] * 2_000, "input")
    assert problem.path == "input[0]"
    assert len(problem.message) <= MAX_MESSAGE


@pytest.mark.parametrize(
    ("schema", "text", "least"),
    [
        ({"items": {"anyOf": [{"const": n} for n in range(3_300)]}}, "[" + "1," * 99 + "1]", 3_300 * 100),
        ({"items": {"required": [str(n) for n in range(1_000)]}}, "[" + "{}," * 99 + "{}]", 1_000 * 100),
        ({"items": {"enum": [[list(range(50))] for _ in range(100)]}}, "[" + "[]," * 99 + "[]]", 100 * 100),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"anyOf": [{}] * 200}}}}, "[" + "1," * 99 + "1]", 200 * 100),
        ({"pattern": "[ab]*a[ab]{9000}c"}, '"' + "ab" * 5_000 + '"', 10_000 * 9_000 // 100),
    ],
)
def test_the_cost_multiplies_checks_and_values(schema, text, least):
    assert Contract(schema).cost(text) >= least


def test_a_usual_schema_and_value_cost_little():
    schema = {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[A-Z]{3}[0-9]{4}$"}}}
    assert Contract(schema).cost('{"id":"ABC1234"}') < 1_000


def test_a_value_that_takes_too_many_checks_is_refused_with_the_figures():
    held = Contract({"items": {"anyOf": [{"const": n} for n in range(3_300)]}})
    [problem] = held.problems_of_text("[" + "3299," * 999 + "3299]", "payload")
    assert problem.path == "payload"
    assert problem.message.startswith("takes about ")
    assert problem.message.endswith(f"checks of its schema; the limit here is {MOST_CHECKS}")
    assert held.problems_of_text("[3299]", "payload") == []


def test_a_stored_schema_with_heavy_patterns_refuses_every_value():
    kept = contract({"pattern": r"\pL{140}"})
    assert kept is not None
    with at_most(FEW // 100):
        [problem] = kept.problems_of_text('"a"', "output")
    assert problem.message.startswith("cannot be checked, because its schema has patterns of about 168380 states")
