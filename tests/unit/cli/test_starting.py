import io
from pathlib import Path

import pytest

from app.cli.errors import CliError
from app.cli.starting import start_request


def test_parameters_are_texts():
    request = start_request("orders", None, ["day=monday", "query=a=b", "empty="], "k1")
    assert request.workflow_id == "orders"
    assert request.parameters == {"day": "monday", "query": "a=b", "empty": ""}
    assert request.input == ""
    assert request.idempotency_key == "k1"


def test_input_is_sent_as_written():
    text = '{"amount": 1.10, "id": 12345678901234567890}'
    assert start_request("orders", text, [], None).input == text


def test_input_from_a_file_and_from_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "in.json"
    path.write_text('{"a": 1}')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"b": 2}'))
    assert start_request("orders", f"@{path}", [], None).input == '{"a": 1}'
    assert start_request("orders", "@-", [], None).input == '{"b": 2}'


def test_every_start_can_be_repeated():
    one, two = (start_request("orders", None, [], None).idempotency_key for _ in range(2))
    assert one
    assert one != two
    assert len(one) <= 200


@pytest.mark.parametrize(
    ("input", "parameters", "message"),
    [
        ("{}", ["a=1"], "--input and --parameter cannot be combined"),
        (None, ["a"], "--parameter 'a' is not of the form NAME=VALUE"),
        (None, ["=1"], "--parameter '=1' is not of the form NAME=VALUE"),
        (None, ["a=1", "a=2"], "--parameter a is given twice"),
        ("[1]", [], "--input must be a JSON object"),
        (
            "{",
            [],
            "--input cannot be read at line 1, column 2: this is not JSON: a name in double quotes ",
        ),
        (
            '{"a": 1, "a": 2}',
            [],
            "--input cannot be read at line 1, column 10: the key 'a' appears twice",
        ),
        ("[" * 100_000, [], "--input cannot be read at line 1, column 65: must not be nested deeper than 64 levels"),
        ('{"a": NaN}', [], "--input.a: must be a finite number"),
        ("@/no/such/file", [], "--input @/no/such/file cannot be read: No such file or directory"),
    ],
)
def test_unusable_input_is_a_sentence(input: str | None, parameters: list[str], message: str):
    with pytest.raises(CliError) as caught:
        start_request("orders", input, parameters, None)
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 2
