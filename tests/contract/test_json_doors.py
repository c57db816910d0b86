"""Every door through which JSON comes in has the same rules. REST, gRPC and http tasks have tests of the whole way."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from app.api.rest.body import parse_body
from app.cli.errors import CliError
from app.cli.files.definition_files import read_definitions
from app.cli.option_values import json_object, json_value
from app.domain.errors import Invalid
from app.domain.handlers import TaskError
from app.domain.json_values import MAX_DEPTH, encode
from app.domain.payloads import Payloads
from app.tasks.http.response import output_of
from tests.support.refused_json import ACCEPTED, NO_YAML, REFUSED, nested

LIMIT = 100_000

Door = Callable[[bytes, Path], object]
"""Takes a JSON object with the field `v`, and returns the value of that field."""


def rest_body(text: bytes, folder: Path) -> object:
    return parse_body(text)["v"]


def payload(text: bytes, folder: Path) -> object:
    return Payloads(LIMIT).from_text(text.decode(), "payload").value["v"]


def input_object(text: bytes, folder: Path) -> object:
    return json.loads(Payloads(LIMIT).object_from_text(text.decode(), "input").text)["v"]


def task_output(text: bytes, folder: Path) -> object:
    # Python refuses to parse more than 4,300 digits.
    value = json.loads(text, parse_int=lambda digits: int(digits[:1_000]))
    return json.loads(encode(value, "output", LIMIT) or "")["v"]


def http_answer(text: bytes, folder: Path) -> object:
    request = httpx.Request("GET", "http://a.example")
    answer = httpx.Response(200, headers={"Content-Type": "application/json"}, stream=_Stream(text), request=request)
    return asyncio.run(output_of(answer, LIMIT))["body"]["v"]


class _Stream(httpx.AsyncByteStream):
    def __init__(self, text: bytes) -> None:
        self._text = text

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text


def command_input(text: bytes, folder: Path) -> object:
    return json.loads(json_object("--input", text.decode()))["v"]


def command_payload(text: bytes, folder: Path) -> object:
    return json_value("--payload", text.decode())["v"]


def json_file(text: bytes, folder: Path) -> object:
    return _file(folder / "a.json", text)


def yaml_file(text: bytes, folder: Path) -> object:
    return _file(folder / "a.yaml", text)


def _file(path: Path, text: bytes) -> object:
    path.write_bytes(b'{"key": "k", ' + text.removeprefix(b"{"))
    (definition,) = read_definitions([path])
    return definition.document["v"]


DOORS: dict[str, Door] = {
    "a request over REST": rest_body,
    "an input or a payload over gRPC": payload,
    "an input over gRPC": input_object,
    "the output of a task": task_output,
    "the answer to an http task": http_answer,
    "--input": command_input,
    "--payload": command_payload,
    "a JSON file": json_file,
    "a YAML file": yaml_file,
}
OTHER_WORDS = {"twice": "appears twice in one", "finite": "is a number that JSON does not have"}
"""How definition files and options say it with line and column."""


def applies(door: str, case: str) -> bool:
    if door == "a YAML file":
        return case not in NO_YAML
    # Python's dicts have each name once.
    return door != "the output of a task" or "repeated" not in case


@pytest.mark.parametrize(("door", "case"), [(d, c) for d in DOORS for c in REFUSED if applies(d, c)])
def test_every_door_refuses(door: str, case: str, tmp_path: Path) -> None:
    text, _, message = REFUSED[case]
    with pytest.raises((Invalid, TaskError, CliError)) as caught:
        DOORS[door](b'{"v": ' + text + b"}", tmp_path)
    words = [message, *(other for word, other in OTHER_WORDS.items() if word in message)]
    assert any(said in str(caught.value) for said in words)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_has_the_same_depth(door: str, tmp_path: Path) -> None:
    # The body of an answer is within the task's output.
    allowed = MAX_DEPTH - 1 - (door == "the answer to an http task")
    assert DOORS[door](b'{"v": ' + nested(allowed) + b"}", tmp_path) == json.loads(nested(allowed))
    for levels in (allowed + 1, 253, 900):
        with pytest.raises((Invalid, TaskError, CliError), match=r"must not be nested deeper than 6[34] levels"):
            DOORS[door](b'{"v": ' + nested(levels) + b"}", tmp_path)


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_accepts(door: str, case: str, tmp_path: Path) -> None:
    if door == "a YAML file" and case == "a surrogate pair":
        pytest.skip("in YAML these are two characters")
    text, value = ACCEPTED[case]
    found = DOORS[door](b'{"v": ' + text + b"}", tmp_path)
    assert found == value
    assert type(found) is type(value)
