"""The keys of maps come in the order in which somebody wrote them, in every process."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.expressions.expression import compile_expression
from app.expressions.template import compile_template

DATA = {"rows": [{"z": 1, "a": 2, "m": {"y": 1, "b": 2}}, {"a": 3, "z": 4}], "o": {"z": 1, "a": 2}, "yes": True}

WRITTEN = [
    ("{'z': 1, 'a': 2, 'm': 3}", '{"z":1,"a":2,"m":3}'),
    ("{'m': {'z': 1, 'a': 2}, 'a': [{'y': 1, 'b': 2}]}", '{"m":{"z":1,"a":2},"a":[{"y":1,"b":2}]}'),
    ("input.rows.map(r, {'z': r.z, 'a': r.a})", '[{"z":1,"a":2},{"z":4,"a":3}]'),
    ("input.rows.filter(r, r.z > 0)", '[{"z":1,"a":2,"m":{"y":1,"b":2}},{"a":3,"z":4}]'),
    ("[input.o] + [{'b': 1, 'a': 2}]", '[{"z":1,"a":2},{"b":1,"a":2}]'),
    ("input.yes ? {'z': input.o, 'a': 1} : {'a': 1}", '{"z":{"z":1,"a":2},"a":1}'),
    ("{'x': input.o}.x", '{"z":1,"a":2}'),
    ("[{'b': 1, 'a': 2}][0]", '{"b":1,"a":2}'),
    ("dyn({'b': 1, 'a': 2})", '{"b":1,"a":2}'),
    ("input.o.map(k, k)", '["z","a"]'),
    ("input.o.map(k, {'k': k, 'a': input.o[k]})", '[{"k":"z","a":1},{"k":"a","a":2}]'),
    ("{string(input.o.z): 1, 'a': 2, 'A': 3}", '{"1":1,"a":2,"A":3}'),
]


def text(value) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize(("source", "expected"), WRITTEN)
def test_keys_come_as_they_were_written(source, expected):
    assert text(compile_expression(source).evaluate({"input": DATA})) == expected


KEYS = st.lists(st.text("abcdefgzyx", min_size=1, max_size=4), unique=True, max_size=30)


@given(KEYS)
def test_any_keys_come_as_they_were_written(keys):
    source = "{" + ", ".join(f"'{key}': {number}" for number, key in enumerate(keys)) + "}"
    assert list(compile_expression(source).evaluate({})) == keys
    given = {key: number for number, key in enumerate(keys)}
    assert list(compile_expression("[input][0]").evaluate({"input": given})) == keys
    assert compile_expression("input.map(k, k)").evaluate({"input": given}) == keys


def test_a_config_that_is_filled_in_keeps_its_order():
    config = {"z": "${input.o}", "a": {"y": "x ${{'q': 1, 'b': 2}} y", "b": "${input.yes}"}, "m": 1}
    template, faults = compile_template(config)
    assert not faults
    assert text(template.fill({"input": DATA})) == (
        '{"z":{"z":1,"a":2},"a":{"y":"x {\\"q\\":1,\\"b\\":2} y","b":true},"m":1}'
    )


ELSEWHERE = """
import json, sys
from app.expressions.expression import compile_expression

task = json.load(sys.stdin)
print(json.dumps([compile_expression(source).evaluate({"input": task["data"]}) for source in task["sources"]]))
"""


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_every_process_gives_the_same_order(seed):
    task = json.dumps({"sources": [source for source, _ in WRITTEN], "data": DATA})
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=task, capture_output=True, text=True, check=True, env=environment
    )
    assert [text(value) for value in json.loads(done.stdout)] == [expected for _, expected in WRITTEN]
