"""The registry: which types there are, and what is said of a wrong config, word for word."""

from pathlib import Path
from typing import Any

import pytest

from app.definitions.ports import TaskTypes
from app.domain.definitions import TaskDraft
from app.domain.handlers import TaskError
from app.engine.ports import Handlers
from app.tasks import PluginError, TaskOptions, TaskTypeRegistry, build_registry, parse_config
from app.tasks.log import LogConfig, LogHandler

REGISTRY = build_registry(TaskOptions())

URL = "http://example.com/"
STATUS_MESSAGE = 'must be a status from 200 to 599, a class such as "2xx", or a list of them'
QUERY_MESSAGE = "must be a string, number or boolean, or a list of them"
METHOD_MESSAGE = "must be 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE' or 'OPTIONS'"
DELAY_MESSAGE = "needs exactly one of seconds and duration, which mean the same"


def problems(type: str | None, config: Any, path: str = "tasks[2]") -> list[tuple[str, str]]:
    found = REGISTRY.config_problems(TaskDraft("a", type=type, config=config), path, "default")
    return [(problem.path, problem.message) for problem in found]


def test_the_registry_is_what_defining_and_running_ask_for() -> None:
    types: TaskTypes = REGISTRY
    handlers: Handlers = REGISTRY
    assert types.config_problems(TaskDraft("a")) == []
    assert handlers.handler("http") is not None


def test_an_unknown_type_is_a_problem_that_lists_the_known_ones() -> None:
    known = "delay, entity_state, http, kafka, log, python, signal, transform, transition, webhook, workflow"
    message = f"'htpp' is not a known task type; known: {known}"
    assert problems("htpp", {}) == [("tasks[2].type", message)]
    assert problems("htpp", {}, path="") == [("type", message)]
    assert REGISTRY.handler("htpp") is None


def test_a_task_without_a_type_is_a_log() -> None:
    assert isinstance(REGISTRY.handler(None), LogHandler)
    assert REGISTRY.handler(None) is REGISTRY.handler("log")
    assert problems(None, {}) == []


@pytest.mark.parametrize(
    "config",
    [
        {"url": "http://example.com", "foo": 1},
        {"message": 5, "fields": [{}]},
        {"message": None},
        {"message": {"text": "${no expression"}},
        {"type": "http", "seconds": -1, "function": ["${"]},
    ],
)
def test_a_task_without_a_type_keeps_any_config(config: Any) -> None:
    assert problems(None, config) == []
    assert problems("log", {"massage": "x"}) == [
        ("tasks[2].config.massage", "is not known here; known: message, fields")
    ]


def test_a_config_without_a_type_must_be_storable() -> None:
    assert problems(None, {"foo": "\x00"}) == problems("log", {"foo": "\x00"})
    assert problems(None, {"foo": "\x00"})[0][0] == "tasks[2].config.foo"


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("log", {"message": "hello", "fields": {"a": [1, None, {"b": True}]}}),
        ("log", {"message": None}),
        ("delay", {"seconds": 0}),
        ("delay", {"seconds": 366 * 24 * 3600}),
        ("delay", {"duration": 0.5}),
        ("http", {"url": URL}),
        ("http", {"url": "https://bücher.example:8443/a?b=c#d", "method": "patch", "body": None}),
        ("http", {"url": "http://[::1]:80/", "headers": {"X-A": "", "x-b": "two words"}}),
        ("http", {"url": URL, "query": {"a": [1, 2.5, True, "x"], "b": ""}, "body": [1, {"a": None}]}),
        ("http", {"url": URL, "expected_status": 302}),
        ("webhook", {"url": URL, "expected_status": [200, "4XX"]}),
    ],
)
def test_a_config_that_fits_has_no_problems(type: str, config: dict[str, Any]) -> None:
    assert problems(type, config) == []


@pytest.mark.parametrize(
    ("type", "config", "path", "message"),
    [
        ("log", {"message": 5}, "message", "must be a string"),
        ("delay", {}, "", DELAY_MESSAGE),
        ("delay", {"seconds": 1, "duration": 1}, "", DELAY_MESSAGE),
        ("delay", {"seconds": "5"}, "seconds", "must be a number"),
        ("delay", {"seconds": True}, "seconds", "must be a number"),
        ("delay", {"seconds": -0.1}, "seconds", "must be greater than or equal to 0"),
        ("delay", {"duration": 366 * 24 * 3600 + 1}, "duration", "must be less than or equal to 31622400"),
        ("delay", {"seconds": float("nan")}, "seconds", "must be a finite number"),
        ("delay", {"seconds": float("inf")}, "seconds", "must be a finite number"),
        ("http", {}, "url", "is required"),
        ("http", {"url": 5}, "url", "must be a string"),
        ("http", {"url": "example.com"}, "url", "must start with http:// or https://"),
        ("http", {"url": "ftp://example.com"}, "url", "must start with http:// or https://"),
        ("http", {"url": "http://:80/"}, "url", "must name a host"),
        ("http", {"url": "http://two words/"}, "url", "must name a host"),
        ("http", {"url": "http://a..b/"}, "url", "must name a host"),
        ("http", {"url": "http://x:0/"}, "url", "must have a port from 1 to 65535"),
        ("http", {"url": "http://x:65536/"}, "url", "must have a port from 1 to 65535"),
        ("http", {"url": "http://0177.0.0.1/"}, "url", "is not a URL: Invalid IPv4 address: '0177.0.0.1'"),
        (
            "http",
            {"url": "http://me:secret@x/"},
            "url",
            "must not hold a user name or password; use an Authorization header",
        ),
        ("http", {"url": URL, "method": "BREW"}, "method", METHOD_MESSAGE),
        ("http", {"url": URL, "headers": {"a b": "c"}}, "headers.a b", "is not a header name"),
        ("http", {"url": URL, "headers": {"Host": "c"}}, "headers.Host", "is set by the service"),
        (
            "http",
            {"url": URL, "headers": {"transfer-encoding": "c"}},
            "headers.transfer-encoding",
            "is set by the service",
        ),
        ("http", {"url": URL, "headers": {"a": 1}}, "headers.a", "must be a string"),
        (
            "http",
            {"url": URL, "headers": {"a": "b\r\nX-Evil: 1"}},
            "headers.a",
            "must be printable ASCII without spaces at its ends",
        ),
        ("http", {"url": URL, "headers": ["a"]}, "headers", "must be an object"),
        ("http", {"url": URL, "query": {"a": {"b": 1}}}, "query.a", QUERY_MESSAGE),
        ("http", {"url": URL, "query": {"a": [None]}}, "query.a", QUERY_MESSAGE),
        ("http", {"url": URL, "expected_status": 99}, "expected_status", STATUS_MESSAGE),
        ("http", {"url": URL, "expected_status": True}, "expected_status", STATUS_MESSAGE),
        ("http", {"url": URL, "expected_status": ["2xx", "9xx"]}, "expected_status", STATUS_MESSAGE),
        ("http", {"url": URL, "expected_status": []}, "expected_status", "must name at least one status"),
        ("http", {"url": URL, "body": {"a": [float("nan")]}}, "body.a[0]", "must be a finite number"),
        ("webhook", {"url": URL, "body": {"a": {"b": "x\0"}}}, "body.a.b", "must not contain the NUL character"),
        ("webhook", {"url": URL, "body": [{"a\0": 1}]}, "body[0]", "has a key that contains the NUL character"),
        ("webhook", {"url": URL, "query": {"a\0": "1"}}, "query", "has a key that contains the NUL character"),
        ("log", {"message": "\ud800"}, "message", "must not contain lone surrogates"),
        ("log", {"fields": 2**64}, "fields", "must be an integer of at most 64 bits"),
        ("log", {"fields": {1: 2}}, "fields", "must have strings as keys"),
        ("log", {"fields": [{1, 2}]}, "fields[0]", "is a set, not a JSON value"),
        ("python", {}, "function", "is required"),
        ("python", {"function": 5}, "function", "must be a string"),
        ("python", {"function": "f", "arguments": []}, "arguments", "must be an object"),
    ],
)
def test_each_problem_names_its_field(type: str, config: dict[str, Any], path: str, message: str) -> None:
    assert problems(type, config) == [(f"tasks[2].config.{path}".removesuffix("."), message)]
    assert problems(type, config, path="") == [(f"config.{path}".removesuffix("."), message)]


def test_all_problems_of_a_config_are_told_at_once() -> None:
    found = problems("http", {"url": "x", "method": "BREW", "query": {"a": None}, "tiemout": 1})
    assert [path.removeprefix("tasks[2].config.") for path, _ in found] == ["url", "method", "query.a", "tiemout"]


def test_a_config_without_end_is_refused_instead_of_followed() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    [(path, message)] = problems("log", {"fields": deep})
    assert path == "tasks[2].config.fields" + "[0]" * 63
    assert message == "must not be nested deeper than 64 levels"


def test_a_config_that_no_longer_fits_fails_the_attempt_for_good() -> None:
    with pytest.raises(TaskError) as caught:
        parse_config(LogConfig, {"message": 1, "old": 2})
    assert (caught.value.code, caught.value.retryable) == ("invalid_config", False)
    assert str(caught.value) == (
        "config.message: must be a string; config.old: is not known here; known: message, fields"
    )


PLUGIN = """
from app.tasks import TaskConfig, TaskType, parse_config, task_function

class EchoConfig(TaskConfig):
    text: str

class EchoHandler:
    def run_now(self, attempt):
        return parse_config(EchoConfig, attempt.config).text

def echo():
    return TaskType(EchoConfig, EchoHandler())

def broken():
    raise RuntimeError("no licence")

def shout(text):
    return text.upper()

def whisper(text):
    return text.lower()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a package with the given entry points and a module of its own name on the path."""

    def installed(module: str, entry_points: str) -> None:
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        (tmp_path / f"{module}.py").write_text(PLUGIN)
        monkeypatch.syspath_prepend(tmp_path)

    return installed


def test_an_installed_package_adds_types_and_functions(install, attempt) -> None:
    install(
        "plug_echo", "[workflow.task_types]\necho = plug_echo:echo\n[workflow.functions]\nshout = plug_echo:shout\n"
    )
    registry = build_registry(TaskOptions())
    draft = TaskDraft("a", type="echo", config={"txt": 1})
    assert [problem.path for problem in registry.config_problems(draft)] == ["config.text", "config.txt"]
    assert registry.handler("echo").run_now(attempt({"text": "hi"})) == "hi"  # type: ignore[union-attr]
    calls_shout = TaskDraft("a", type="python", config={"function": "shout", "arguments": {"text": "x"}})
    assert registry.config_problems(calls_shout, tenant="default") == []


@pytest.mark.parametrize(
    ("module", "entry_points", "message"),
    [
        (
            "plug_clash",
            "[workflow.task_types]\nhttp = plug_clash:echo",
            "'http' of workflow.task_types: the name is taken",
        ),
        ("plug_gone", "[workflow.task_types]\nx = plug_gone:nothing", "has no attribute 'nothing'"),
        ("plug_broken", "[workflow.task_types]\nx = plug_broken:broken", "RuntimeError: no licence"),
        ("plug_wrong", "[workflow.task_types]\nx = plug_wrong:PLUGIN_NAME", "PLUGIN_NAME"),
        ("plug_none", "[workflow.task_types]\nx = builtins:dict", "returns no TaskType"),
        ("plug_text", "[workflow.functions]\nx = plug_text:__name__", "'x' of workflow.functions is not callable"),
    ],
)
def test_a_broken_plugin_stops_the_start_and_is_named(install, module: str, entry_points: str, message: str) -> None:
    install(module, entry_points)
    with pytest.raises(PluginError, match=message):
        build_registry(TaskOptions())


def test_a_module_that_does_not_import_is_named() -> None:
    with pytest.raises(PluginError, match="PYTHON_MODULES: 'no_such_module' cannot be imported: ModuleNotFoundError"):
        build_registry(TaskOptions(python_modules=("no_such_module",)))


async def test_closing_an_unused_registry_twice_is_harmless() -> None:
    registry: TaskTypeRegistry = build_registry(TaskOptions())
    await registry.close()
    await registry.close()
