"""A wrong definition never reaches the engine: what each is told, word for word, and that nothing of it is stored."""

import json
from typing import Any

import httpx
import pytest

DOUBLING = {
    "$ref": "#/$defs/d0",
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(20)} | {"d20": {}},
}
DEEP: dict[str, Any] = {}
for _ in range(26):
    DEEP = {"not": {"if": DEEP}}


def task(name: str, *, config: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A `log` task; `message` and `fields` go into its config."""
    own = {word: fields.pop(word) for word in ("message", "fields") if word in fields}
    return {"name": name, "execution_type": "sync", "type": "log", "config": config or own} | fields


def of(tasks: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"name": "n", "key": "wrong", "tasks": tasks} | fields


def one(**fields: Any) -> dict[str, Any]:
    return of([task("t", **fields)])


def unknown(name: str) -> str:
    return f"there is no {name!r}; an expression knows execution, input, secrets, tasks, vars, workflow"


def only_in_loops(name: str) -> str:
    return f"there is no {name!r} here: only a task with `for_each` has one, in its config"


def too_early(name: str) -> str:
    return f"task {name!r} need not have ended when this one starts; let this one come after it"


def no_task(name: str) -> str:
    return f"no task of this workflow is named {name!r}"


def no_secret(name: str) -> str:
    return f"{name!r} cannot name a secret: it must be letters, digits and _ as in a variable of the environment"


def stored(reason: str) -> str:
    where = "use the secret in the config of the task that needs it, of this workflow or of the child"
    return f"uses secret 'KEY', but {reason}; {where}"


def unnamed(root: str) -> str:
    return f"{root} must be followed by a name: {root}.NAME or {root}['NAME']"


def unwritable(what: str, instead: str) -> str:
    return f"must not contain {what}: no expression could name the task, as in tasks['NAME']; {instead}"


UNCLOSED = "${ is not closed by }; write $${ for the characters themselves"
TOO_LONG = "${ is not closed by } within 2000 characters; write $${ for the characters themselves"
PLAIN = "must be plain JSON: variables hold no expressions; write $${ for ${ itself"
DAYS = "must be from 0, which keeps them without limit, to 36500"

WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    # templates that are no expressions
    (one(message="${"), [("tasks[0].config.message", UNCLOSED)]),
    (one(message="a ${input.x"), [("tasks[0].config.message", UNCLOSED)]),
    (
        one(message="${input.x + }"),
        [("tasks[0].config.message", "is no expression: at column 10: the text ends too early")],
    ),
    (one(message="${}"), [("tasks[0].config.message", "is empty")]),
    (one(message="${'}'"), [("tasks[0].config.message", UNCLOSED)]),
    (one(message="${input.x} and ${input."), [("tasks[0].config.message", UNCLOSED)]),
    (
        one(fields={"deep": [{"er": "${1 +}"}]}),
        [("tasks[0].config.fields.deep[0].er", "is no expression: at column 4: the text ends too early")],
    ),
    (one(message="${input.é}"), [("tasks[0].config.message", "is no expression: at column 7: unexpected 'é'")]),
    (
        one(message="${(input.a}"),
        [("tasks[0].config.message", "is no expression: at column 9: the text ends too early, ')' is missing")],
    ),
    (
        one(message="${input.a\n  + }"),
        [("tasks[0].config.message", "is no expression: at line 2, column 4: the text ends too early")],
    ),
    (one(message="${" + "(" * 120 + "}"), [("tasks[0].config.message", "is nested too deeply")]),
    (one(message="${'" + "x" * 2_000 + "'}"), [("tasks[0].config.message", TOO_LONG)]),
    (one(message="${" + "x" * 3_000), [("tasks[0].config.message", TOO_LONG)]),
    # names that nothing has
    (one(message="${inputs.x}"), [("tasks[0].config.message", unknown("inputs"))]),
    (one(message="${x}"), [("tasks[0].config.message", unknown("x"))]),
    (one(message="${input.list.map(x, x.a) + x}"), [("tasks[0].config.message", unknown("x"))]),
    (
        one(message="${input.list.map(input, input.a)}"),
        [("tasks[0].config.message", "the variable of map cannot be named 'input'")],
    ),
    (one(message="${upper(input.x)}"), [("tasks[0].config.message", "there is no function 'upper'")]),
    (one(message="${input.x.trim()}"), [("tasks[0].config.message", "there is no function 'trim'")]),
    (one(message="${.tasks.ghost}"), [("tasks[0].config.message", "there is no '.tasks'")]),
    (one(message="${item}"), [("tasks[0].config.message", only_in_loops("item"))]),
    (one(message="${index + 1}"), [("tasks[0].config.message", only_in_loops("index"))]),
    # what other languages have
    (
        one(when="input.a and input.b"),
        [("tasks[0].when", "is no expression: at column 9: unexpected 'and'; && means and")],
    ),
    (one(when="input.a = 1"), [("tasks[0].when", "is no expression: at column 9: unexpected '='; == compares")]),
    (
        one(when="len(input.a) > 1"),
        [("tasks[0].when", "there is no function 'len' at column 1: size(x) counts elements and characters")],
    ),
    (
        one(message="${max(input.a, 1)}"),
        [("tasks[0].config.message", "there is no function 'max' at column 1: a > b ? a : b is the greater")],
    ),
    (
        one(when="{{ input.a }}"),
        [
            (
                "tasks[0].when",
                "is no expression: at column 12: unexpected '}'; "
                "an expression in a text is written ${…}, with one pair of braces",
            )
        ],
    ),
    (
        one(when="$input.a"),
        [
            (
                "tasks[0].when",
                "is no expression: at column 1: unexpected '$'; names are written without $, as in input.name",
            )
        ],
    ),
    # what would fail in every run
    (
        one(message="${size(input.a, 1)}"),
        [("tasks[0].config.message", "size is written size(value)")],
    ),
    (
        one(message="${timestamp(input.a).getHours('Mars')}"),
        [("tasks[0].config.message", "getHours: the string is not a time zone such as Europe/Berlin, UTC or +05:30")],
    ),
    (
        one(when="input.a.matches('(')"),
        [("tasks[0].when", "matches: the pattern is not valid for RE2: missing )")],
    ),
    # names that no expression can write
    (of([task("a\\b")]), [("tasks[0].name", unwritable("a backslash (character 2)", "leave it out or use /"))]),
    (of([task("a\nb")]), [("tasks[0].name", unwritable("a line break (character 2)", "use a space"))]),
    (of([task('it\'s "b"')]), [("tasks[0].name", unwritable("both ' and \"", "use one kind of quotes"))]),
    (
        one(message="${tasks['a\\'b'].output}"),
        [("tasks[0].config.message", f"{unnamed('tasks')}, in plain quotes and without backslashes")],
    ),
    # tasks
    (one(message="${tasks}"), [("tasks[0].config.message", unnamed("tasks"))]),
    (one(message="${tasks[input.name].output}"), [("tasks[0].config.message", unnamed("tasks"))]),
    (one(message="${tasks.ghost.output}"), [("tasks[0].config.message", no_task("ghost"))]),
    (one(message="${tasks['get data'].output}"), [("tasks[0].config.message", no_task("get data"))]),
    (
        one(message="${tasks.t.output}"),
        [("tasks[0].config.message", "'t' is the task itself: it has no output before it has run")],
    ),
    (of([task("t", message="${tasks.u.output}"), task("u")]), [("tasks[0].config.message", too_early("u"))]),
    (
        of([task("t", execution_type="async"), task("u", execution_type="async", message="${tasks.t.output}")]),
        [("tasks[1].config.message", too_early("t"))],
    ),
    (
        of([task("t"), task("u", depends_on=[], message="${tasks.t.output}")]),
        [("tasks[1].config.message", too_early("t"))],
    ),
    (
        of(
            [
                task("t"),
                task("u", depends_on=["t"]),
                task("v", depends_on=["t"], message="${tasks.u.output + tasks.t.output}"),
            ]
        ),
        [("tasks[2].config.message", too_early("u"))],
    ),
    (
        of([task("t", compensate=["undo"]), task("undo"), task("u", message="${tasks.undo.output}")]),
        [("tasks[2].config.message", too_early("undo"))],
    ),
    (
        of([task("t", compensate=["undo"]), task("u"), task("undo", message="${tasks.t.output} ${tasks.u.output}")]),
        [("tasks[2].config.message", too_early("u"))],
    ),
    (of([task("t", sequence=2), task("u", sequence=1, when="tasks.t.output.ok")]), [("tasks[1].when", too_early("t"))]),
    (
        of([task("t", message="${[tasks.ghost.output, tasks.phantom.output]}")]),
        [("tasks[0].config.message", no_task("ghost")), ("tasks[0].config.message", no_task("phantom"))],
    ),
    (one(message="${1 // ''' \n + tasks.ghost.output // ''' \n}"), [("tasks[0].config.message", no_task("ghost"))]),
    (one(message="${r'\\' + tasks.ghost.output + '\\\\'}"), [("tasks[0].config.message", no_task("ghost"))]),
    # variables and secrets
    (one(message="${vars.rate}"), [("tasks[0].config.message", "there is no variable 'rate': the workflow has none")]),
    (
        of([task("t", message="${vars.rat}")], variables={"rate": 1, "zone": "x"}),
        [("tasks[0].config.message", "there is no variable 'rat'; there are rate, zone")],
    ),
    (one(message="${vars}"), [("tasks[0].config.message", unnamed("vars"))]),
    (one(message="${vars[input.x]}"), [("tasks[0].config.message", unnamed("vars"))]),
    (one(message="${secrets}"), [("tasks[0].config.message", unnamed("secrets"))]),
    (one(message="${secrets[input.x]}"), [("tasks[0].config.message", unnamed("secrets"))]),
    (one(message="${secrets['API-KEY']}"), [("tasks[0].config.message", no_secret("API-KEY"))]),
    (one(message="${secrets['1ST']}"), [("tasks[0].config.message", no_secret("1ST"))]),
    (of([], variables={"a": "${input.x}"}), [("variables.a", PLAIN)]),
    (
        of([], variables={"a": "${secrets.KEY}"}, secrets=["KEY"]),
        [
            (
                "variables.a",
                PLAIN + "; they are stored, so write ${secrets.NAME} in the config of the task that needs it",
            )
        ],
    ),
    (
        one(message="${secrets.KEY}", when="secrets['A'] == 'x'"),
        [
            (
                "secrets",
                "must name every secret that an expression uses: A (used at tasks[0].when), KEY (used at"
                " tasks[0].config.message); write secrets: [A, KEY]",
            )
        ],
    ),
    (
        of([task("t", message="${secrets.KEY}")], secrets=["OLD"]),
        [
            (
                "secrets",
                "must name every secret that an expression uses: KEY (used at tasks[0].config.message);"
                " write secrets: [KEY, OLD]",
            )
        ],
    ),
    (
        of([task("t", message="${secrets.SHOP_TOKN} ${secrets.KEY}")], secrets=["SHOP_TOKEN"]),
        [
            (
                "secrets",
                "must name every secret that an expression uses: KEY (used at tasks[0].config.message), SHOP_TOKN (used"
                " at tasks[0].config.message; did you mean SHOP_TOKEN?); write secrets: [KEY, SHOP_TOKEN]",
            )
        ],
    ),
    (
        of([task("t", message="${secrets.SHOP_TOKN}")], secrets=["SHOP_TOKEN"]),
        [
            (
                "secrets",
                "must name every secret that an expression uses: SHOP_TOKN (used at tasks[0].config.message; did you"
                " mean SHOP_TOKEN?)",
            )
        ],
    ),
    (
        of([], secrets=["A", "B", "A", "API-KEY"]),
        [("secrets[2]", "'A' is already secrets[0]"), ("secrets[3]", no_secret("API-KEY"))],
    ),
    (of([], secrets=[f"S{n}" for n in range(101)]), [("secrets", "has 101 names; the limit is 100")]),
    (
        of(
            [task("t", type="workflow", config={"workflow": "wrong", "input": {"a": ["${secrets.KEY}"]}})],
            secrets=["KEY"],
        ),
        [("tasks[0].config.input.a[0]", stored("the input of a child execution is stored"))],
    ),
    (
        of([task("t", type="signal", config={"name": "go-${secrets.KEY}"})], secrets=["KEY"]),
        [("tasks[0].config.name", stored("the name of an awaited signal is stored"))],
    ),
    (
        of([task("t", type="delay", config={"seconds": "${int(secrets.KEY)}"})], secrets=["KEY"]),
        [("tasks[0].config.seconds", stored("the time of a wait is stored"))],
    ),
    (
        of([task("t", type="transform", config={"value": "${size(secrets.KEY)}"})], secrets=["KEY"]),
        [("tasks[0].config.value", stored("its output is stored with the secret masked, and it does nothing else"))],
    ),
    (
        of(
            [
                task(
                    "t",
                    type="workflow",
                    config={"workflow": "wrong", "input": {"a": "${item}"}},
                    for_each="[secrets.KEY]",
                )
            ],
            secrets=["KEY"],
        ),
        [("tasks[0].for_each", stored("the input of a child execution is stored"))],
    ),
    (of([], variables={"a": {"b": ["x", "${1}"]}}), [("variables.a.b[1]", PLAIN)]),
    # conditions and loops
    (one(when=""), [("tasks[0].when", "is empty")]),
    (one(when="input.x =="), [("tasks[0].when", "is no expression: at column 11: the text ends too early")]),
    (
        one(when="yes ${input.x}"),
        [("tasks[0].when", "is no expression: at column 5: unexpected '$'; within an expression there is no ${…}")],
    ),
    (one(when="${input.x} ${input.y}"), [("tasks[0].when", "must be one expression, without text around it")]),
    (one(when="${input.x"), [("tasks[0].when", UNCLOSED)]),
    (one(when="item > 1", for_each="input.list"), [("tasks[0].when", only_in_loops("item"))]),
    (one(when="vars.on"), [("tasks[0].when", "there is no variable 'on': the workflow has none")]),
    (one(when="x" * 2_001), [("tasks[0].when", "has 2001 characters; the limit is 2000")]),
    (
        one(for_each="input.list.map(x)"),
        [("tasks[0].for_each", "map is written list.map(x, result) or list.map(x, condition, result)")],
    ),
    (one(for_each="item.parts"), [("tasks[0].for_each", only_in_loops("item"))]),
    (
        one(for_each="${tasks.t.output}"),
        [("tasks[0].for_each", "'t' is the task itself: it has no output before it has run")],
    ),
    (
        one(for_each="[1, 2", message="${item}"),
        [("tasks[0].for_each", "is no expression: at column 6: the text ends too early, ']' is missing")],
    ),
    (
        one(max_concurrency=2),
        [("tasks[0].max_concurrency", "needs `for_each`: a task that runs once runs one at a time")],
    ),
    (one(for_each="input.list", max_concurrency=0), [("tasks[0].max_concurrency", "must be from 1 to 1000")]),
    (one(for_each="input.list", max_concurrency=1_001), [("tasks[0].max_concurrency", "must be from 1 to 1000")]),
    # schemas
    (
        of([], input_schema={"type": "objekt"}),
        [
            (
                "input_schema.type",
                "is no JSON Schema: \"objekt\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            )
        ],
    ),
    (
        of([], input_schema={"required": "a"}),
        [("input_schema.required", 'is no JSON Schema: "a" is not of type "array"')],
    ),
    (
        of([], input_schema={"properties": {"a": {"minimum": "1"}}}),
        [("input_schema.properties.a.minimum", 'is no JSON Schema: "1" is not of type "number"')],
    ),
    (
        of([], input_schema={"$ref": "https://example.com/schema.json"}),
        [("input_schema.$ref", "must point into the schema itself, like #/$defs/name")],
    ),
    (
        of([], input_schema={"$ref": "other.json#/a"}),
        [("input_schema.$ref", "must point into the schema itself, like #/$defs/name")],
    ),
    (
        of([], input_schema={"$ref": "#/$defs/a"}),
        [("input_schema", "is no JSON Schema: Pointer '/$defs/a' does not exist")],
    ),
    (
        of([], input_schema={"$id": "https://example.com/a", "type": "object"}),
        [("input_schema.$id", "is not known here: a schema stands for itself alone")],
    ),
    (
        of([], input_schema={"$schema": "http://json-schema.org/draft-07/schema#"}),
        [("input_schema.$schema", "must be https://json-schema.org/draft/2020-12/schema, or left out")],
    ),
    (
        of([], input_schema={"$dynamicRef": "#a"}),
        [("input_schema.$dynamicRef", "is not known here: a schema stands for itself alone")],
    ),
    (
        of([], input_schema={"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}),
        [("input_schema", "must not refer back to itself")],
    ),
    (of([], input_schema={"pattern": "("}), [("input_schema.pattern", 'is no JSON Schema: "(" is not a "regex"')]),
    (
        of([], input_schema={"patternProperties": {"(?=a)": {}}}),
        [("input_schema.patternProperties.(?=a)", 'is no JSON Schema: "(?=a)" is not a "regex"')],
    ),
    (
        of([], input_schema={"allOf": [{"pattern": f"a{n}"} for n in range(101)]}),
        [("input_schema", "has 101 patterns; the limit is 100")],
    ),
    (
        of([], input_schema=DOUBLING),
        [("input_schema", "has 9437138 keywords with its references filled in; the limit is 20000")],
    ),
    (of([], input_schema=DEEP), [("input_schema", "must not be nested deeper than 50 levels")]),
    (
        one(output_schema={"type": "list"}),
        [
            (
                "tasks[0].output_schema.type",
                "is no JSON Schema: \"list\" is not valid under any of the schemas listed in the 'anyOf' keyword",
            )
        ],
    ),
    (
        one(output_schema={"$ref": "file:///etc/passwd"}),
        [("tasks[0].output_schema.$ref", "must point into the schema itself, like #/$defs/name")],
    ),
    (
        one(output_schema={"multipleOf": 0}),
        [("tasks[0].output_schema.multipleOf", "is no JSON Schema: 0 is less than or equal to the minimum of 0")],
    ),
    # what types of tasks want, beside what expressions will fill in
    (
        one(type="http", config={"url": "${input.url}", "method": "FETCH"}),
        [("tasks[0].config.method", "must be 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE' or 'OPTIONS'")],
    ),
    (
        one(type="http", config={"url": "${input.url}", "expected": "${input.status}"}),
        [("tasks[0].config.expected", "is not known here; known: url, method, headers, query, body, expected_status")],
    ),
    (
        one(type="http", config={"url": "http://x", "headers": {"Bad Name": "${input.x}"}}),
        [("tasks[0].config.headers.Bad Name", "is not a header name")],
    ),
    (one(type="http", config={"url": "https://", "body": "${input.x}"}), [("tasks[0].config.url", "must name a host")]),
    (one(type="http", config={"body": "${input.x}"}), [("tasks[0].config.url", "is required")]),
    (one(type="delay", config={"seconds": "$${input.x}"}), [("tasks[0].config.seconds", "must be a number")]),
    (
        one(type="signal", config={"name": "", "surprise": "${input.x}"}),
        [
            ("tasks[0].config.name", "String should have at least 1 character"),
            ("tasks[0].config.surprise", "is not known here; known: name"),
        ],
    ),
    (
        one(type="python", config={"function": "no.such", "arguments": {"a": "${input.x}"}}),
        [
            (
                "tasks[0].config.function",
                "'no.such' is not a registered function; register it with @task_function in a "
                "module that PYTHON_MODULES names, for both processes",
            )
        ],
    ),
    # whole workflows
    (of([], retention_days=-0.5), [("retention_days", DAYS)]),
    (of([], retention_days=-1), [("retention_days", DAYS)]),
    (of([], retention_days=36_501), [("retention_days", DAYS)]),
    (of([task("t", message="${1}" * 1_001)]), [("tasks", "hold 1001 expressions; the limit is 1000")]),
    (
        of(
            [task("t", message="${tasks.t.output}", when="tasks.u", for_each="vars.x"), task("t")],
            variables={"y": "${z}"},
        ),
        [
            ("tasks[1].name", "'t' is already the name of tasks[0]"),
            ("variables.y", PLAIN),
            ("tasks[0].when", no_task("u")),
            ("tasks[0].for_each", "there is no variable 'x'; there are y"),
        ],
    ),
    (
        of([task("t", depends_on=["ghost"], message="${tasks.ghost.output} ${tasks.u.output}"), task("u")]),
        [("tasks[0].depends_on[0]", no_task("ghost")), ("tasks[0].config.message", no_task("ghost"))],
    ),
    # types
    (of([], variables=[]), [("variables", "must be an object")]),
    (of([], variables={"a": 1}, input_schema=True), [("input_schema", "must be an object")]),
    (of([], retention_days="7"), [("retention_days", "must be a number")]),
    (one(when=True), [("tasks[0].when", "must be a string")]),
    (one(for_each=["a"]), [("tasks[0].for_each", "must be a string")]),
    (one(for_each="input.list", max_concurrency=2.5), [("tasks[0].max_concurrency", "must be an integer")]),
    (one(output_schema="object"), [("tasks[0].output_schema", "must be an object")]),
]


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


async def nothing_is_stored(rest: httpx.AsyncClient) -> bool:
    return (await rest.get("/workflows")).json()["total"] == 0


def test_there_are_many_and_no_two_are_the_same():
    bodies = [json.dumps(body, sort_keys=True) for body, _ in WRONG]
    assert len(bodies) == len(set(bodies)) >= 60
    assert all(expected for _, expected in WRONG)


async def test_a_wrong_definition_is_refused_word_for_word(rest):
    for body, expected in WRONG:
        assert told(await rest.post("/workflows", json=body)) == expected, body
    assert await nothing_is_stored(rest)


async def test_a_wrong_definition_is_judged_in_the_same_words(rest):
    for body, expected in WRONG:
        answer = await rest.post("/workflows/validate", json=body)
        problems = [{"path": path, "message": message} for path, message in expected]
        assert (answer.status_code, answer.json()) == (200, {"valid": False, "problems": problems, "warnings": []}), (
            body
        )
    assert await nothing_is_stored(rest)


async def test_no_change_makes_a_stored_definition_wrong(rest):
    stored = (await rest.post("/workflows", json=of([task("kept", type="log", config={"message": "ok"})]))).json()
    for body, expected in WRONG:
        assert told(await rest.put("/workflows/wrong", json=body)) == expected, body
        assert told(await rest.patch("/workflows/wrong", json=body)) == expected, body
    assert (await rest.get("/workflows/wrong")).json() == stored
    assert (await rest.get("/workflows/wrong/revisions")).json()["total"] == 1


async def test_what_is_right_is_stored_and_judged_right(rest):
    body = of(
        [
            task("get data", message="$${plain} ${vars.zone}"),
            task("each", for_each="tasks['get data'].output.list", message="${item.n} of ${index}", max_concurrency=2),
            task("last", when="input.go && has(input.go)", message="${secrets.API_KEY}", output_schema={}),
        ],
        variables={"zone": "$${here}"},
        secrets=["API_KEY", "NOT_USED"],
        input_schema={"type": "object", "properties": {"go": {"type": "boolean"}}},
        retention_days=0.5,
    )
    answer = await rest.post("/workflows/validate", json=body)
    assert (answer.status_code, answer.json()) == (200, {"valid": True, "problems": [], "warnings": []})
    assert await nothing_is_stored(rest)
    stored = await rest.post("/workflows", json=body)
    assert stored.status_code == 201
    assert stored.json()["variables"] == body["variables"]
    assert [found["when"] for found in stored.json()["tasks"]] == [None, None, "input.go && has(input.go)"]
    again = await rest.post("/workflows/validate", json=body)
    assert again.json()["valid"], "whose key it is belongs to storing it"


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415), (b" " * 70_000, "application/json", 413)],
)
async def test_what_is_no_json_is_not_judged(rest, content, type_, status):
    answer = await rest.post("/workflows/validate", content=content, headers={"content-type": type_})
    assert answer.status_code == status


async def test_a_text_that_cannot_be_stored_is_judged_too(rest):
    answer = await rest.post("/workflows/validate", json=one(message="a\x00b"))
    assert answer.json()["problems"] == [
        {"path": "tasks[0].config.message", "message": "must not contain the NUL character"}
    ]


async def test_a_task_alone_is_told_its_own_fields(rest):
    await rest.post("/workflows", json=of([task("a"), task("b", message="${tasks.a.output}")]))
    a = (await rest.get("/workflows/wrong")).json()["tasks"][0]["id"]
    wrong = task("c", message="${tasks.ghost.output}", when="vars.x")
    assert told(await rest.post("/workflows/wrong/tasks", json=wrong)) == [
        ("config.message", no_task("ghost")),
        ("when", "there is no variable 'x': the workflow has none"),
    ]
    assert told(await rest.patch(f"/tasks/{a}", json={"sequence": 5})) == [
        ("", f"config.message of task 'b': {too_early('a')}")
    ]
    assert told(await rest.delete(f"/tasks/{a}")) == [("", f"config.message of task 'b': {no_task('a')}")]
    assert (await rest.get("/workflows/wrong")).json()["revision"] == 1
