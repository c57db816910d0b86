"""Configs with expressions: what will be filled in is not judged when a definition is saved, everything else is."""

import pytest

from app.domain.definitions import TaskDraft
from app.tasks import TaskOptions, build_registry

FORM, TYPE = "application/x-www-form-urlencoded", "headers.Content-Type"
REGISTRY = build_registry(TaskOptions())


def problems(type_: str, config: dict) -> list[str]:
    return [problem.path for problem in REGISTRY.config_problems(TaskDraft("t", type=type_, config=config), "tasks[0]")]


@pytest.mark.parametrize(
    ("type_", "config"),
    [
        ("delay", {"seconds": "${input.n}"}),
        ("delay", {"duration": "${input.n}"}),
        ("signal", {"name": "${input.name}"}),
        ("log", {"message": "${input.n}"}),
        ("http", {"url": "${vars.base}/x"}),
        ("http", {"url": "http://x", "method": "${input.method}"}),
        ("http", {"url": "http://x", "headers": "${input.headers}"}),
        ("http", {"url": "http://x", "headers": {"X-Name": "${input.name} \n"}}),
        ("http", {"url": "http://x", "query": {"a": ["${input.n}", 1]}}),
        ("http", {"url": "http://x", "expected_status": ["${input.status}", 200]}),
        ("http", {"url": "http://x", "expected_status": "${input.status}"}),
        ("http", {"url": "http://x", "headers": {"Content-Type": "${input.type}"}, "body": {"a": "${input.a}"}}),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/plain"}, "body": "${input.a}"}),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/x; charset=ascii"}, "body": "é ${input.a}"}),
        ("http", {"url": "http://x", "headers": {"Content-Type": FORM}, "body": {"a": "${input.a}"}}),
        ("http", {"url": "http://x", "headers": {"Content-Type": FORM}, "body": "${input.a}"}),
        ("http", {"url": "http://my_host/"}),
        ("http", {"url": "http://xn--ls8h.example/"}),
        ("python", {"function": "${input.function}"}),
    ],
)
def test_what_will_be_filled_in_is_not_judged(type_, config):
    assert problems(type_, config) == []


@pytest.mark.parametrize(
    ("type_", "config", "expected"),
    [
        ("delay", {"seconds": "$${input.n}"}, ["seconds"]),
        ("delay", {"seconds": "${input.n}", "surprise": 1}, ["surprise"]),
        ("delay", {"surprise": "${input.n}"}, ["surprise"]),
        ("signal", {"name": "", "other": "${input.n}"}, ["name", "other"]),
        ("http", {"url": "nonsense", "body": "${input.n}"}, ["url"]),
        ("http", {"body": "${input.n}"}, ["url"]),
        ("http", {"url": "${input.url}", "headers": {"X-A": "${input.n}", "X-B": 5}}, ["headers.X-B"]),
        ("http", {"url": "${input.url}", "headers": {"Bad Name": "${input.n}"}}, ["headers.Bad Name"]),
        ("http", {"url": "${input.url}", "headers": {"host": "x"}}, ["headers.host"]),
        ("http", {"url": "${input.url}", "query": {"a": {"b": 1}, "ab": "${input.n}"}}, ["query.a"]),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/plain"}, "body": {"a": "${input.a}"}}, [TYPE]),
        ("http", {"url": "http://x", "headers": {"Content-Type": FORM}, "body": ["${input.a}"]}, [TYPE]),
        ("http", {"url": "http://x", "headers": {"Content-Type": FORM}, "body": {"a": {"b": "${input.b}"}}}, [TYPE]),
        (
            "http",
            {"url": "http://x", "headers": {"Content-Type": "text/x; charset=none"}, "body": "${input.a}"},
            [TYPE],
        ),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/x; charset=rot13"}, "body": "a"}, [TYPE]),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/json; charset=latin-1"}, "body": 1}, [TYPE]),
        ("http", {"url": "http://x", "headers": {"Content-Type": "text/plain; charset=ascii"}, "body": "é"}, ["body"]),
        ("http", {"url": "http://☃.example/"}, ["url"]),
        ("http", {"url": "http://a..b/"}, ["url"]),
        ("python", {"function": "no.such", "arguments": {"a": "${input.n}"}}, ["function"]),
        ("log", {"message": 5, "fields": "${input.n}"}, ["message"]),
    ],
)
def test_everything_else_is_judged(type_, config, expected):
    assert problems(type_, config) == [f"tasks[0].config.{path}" for path in expected]
