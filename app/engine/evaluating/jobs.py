"""Evaluations as bytes, for a process that has neither plans nor executions.

Jobs and answers are JSON objects. A job has the sources of the expressions, or the schema, and the data: this module
compiles and evaluates them with the full limits. Texts that are JSON already, such as outputs, are written unparsed.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import orjson

from app.contracts.contract import Contract
from app.contracts.json_schemas import problems_of_schema
from app.domain.definitions import Config, TaskDraft
from app.domain.errors import Problem
from app.domain.payloads import Payload
from app.engine.evaluating.begins import Begun, Started, begun, started
from app.engine.evaluating.ports import TOO_COSTLY, EvaluatorError
from app.engine.planning.data_flow import TaskFlow, compile_flow
from app.expressions.errors import EvaluationError, TooCostlyError
from app.expressions.limits import Meter

Scope = Mapping[str, Any]

MAX_ANSWER_BYTES = 4_194_304
"""The largest answer. Parsing takes 5 to 12 ms per megabyte of the event loop's time."""


def flow_job(kind: str, config: Config, flow: TaskFlow, scope: Scope) -> bytes:
    """`kind` is one of those of flows in `_KINDS`; `config` is as written. `scope` may have fragments."""
    sources = [None if expression is None else expression.source for expression in (flow.when, flow.for_each)]
    text = orjson.dumps(config).decode()
    return orjson.dumps({"kind": kind, "flow": [text, *sources], "scope": scope})


def schema_job(contract: Contract, payload: Payload, path: str) -> bytes:
    schema, value = orjson.dumps(contract.schema).decode(), orjson.Fragment(payload.text)
    return orjson.dumps({"kind": "problems", "schema": schema, "value": value, "path": path})


def definition_job(schema: Config, path: str) -> bytes:
    return orjson.dumps({"kind": "definition", "schema": schema, "path": path})


def perform(job: bytes) -> bytes:
    """The answer to a job: `{"value"}`, `{"error": [source, reason], "is_costly"}`, or `{"too_costly"}`."""
    try:
        request = orjson.loads(job)
        answer = orjson.dumps({"value": _KINDS[request["kind"]](request)})
    except EvaluationError as error:
        return orjson.dumps({"error": [error.source, error.reason], "is_costly": isinstance(error, TooCostlyError)})
    except (MemoryError, orjson.JSONDecodeError):
        # A job is JSON: the parser says the other thing when there is no memory.
        return orjson.dumps({"too_costly": "the evaluation needs more memory than there is for it"})
    if len(answer) > MAX_ANSWER_BYTES:
        # It would have to be parsed where everything else waits.
        size = f"{len(answer)} bytes; the limit for a large evaluation is {MAX_ANSWER_BYTES}"
        return orjson.dumps({"too_costly": f"the evaluation has a result of {size}"})
    return answer


def value_of(answer: bytes) -> Any:
    """The value of an answer. Raise `EvaluationError` and `EvaluatorError`."""
    parsed = orjson.loads(answer)
    if "too_costly" in parsed:
        raise EvaluatorError(TOO_COSTLY, parsed["too_costly"])
    if "error" in parsed:
        raise (TooCostlyError if parsed["is_costly"] else EvaluationError)(*parsed["error"])
    return parsed["value"]


def begun_of(value: Any) -> Begun:
    return Begun(**value)


def started_of(value: Any) -> Started:
    return Started(**value)


def problems_of(value: Any) -> list[Problem]:
    return [Problem(*problem) for problem in value]


def _start(request: Mapping[str, Any], *, waits: bool) -> Started:
    return started(_flow(*request["flow"]), request["scope"], Meter(), waits=waits)


def _begin(request: Mapping[str, Any]) -> Begun:
    return begun(_flow(*request["flow"]), orjson.loads(request["flow"][0]), request["scope"], Meter())


def _element(request: Mapping[str, Any]) -> Config:
    config: Config = _flow(*request["flow"]).config.fill(request["scope"], Meter())
    return config


def _problems(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = _contract(request["schema"]).problems(request["value"], request["path"])
    return [(problem.path, problem.message) for problem in found]


def _definition(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in problems_of_schema(request["schema"], request["path"])]


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "start": partial(_start, waits=False),
    "wait": partial(_start, waits=True),
    "begin": _begin,
    "element": _element,
    "problems": _problems,
    "definition": _definition,
}


@lru_cache(32)
def _flow(config: str, when: str | None, for_each: str | None) -> TaskFlow:
    return compile_flow(TaskDraft("", type="", config=orjson.loads(config), when=when, for_each=for_each))


@lru_cache(8)
def _contract(schema: str) -> Contract:
    return Contract(orjson.loads(schema))
