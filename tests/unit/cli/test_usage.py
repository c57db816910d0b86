"""Wrong usage is a sentence with what is accepted, in words of this command and not of its libraries."""

import re
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from app.cli import app
from app.cli.errors import CliError
from app.cli.option_values import instant_of, json_object, seconds_of

LIBRARY_WORDS = re.compile(
    r"Input should|Value error|valid |parse|Traceback|Usage|pydantic|isoformat|delimiter|char \d"
)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False, prog_name="workflow")


def commands(command=None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    """Every command with the words that call it."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from commands(inner, (*path, name))


def numbers_and_choices() -> Iterator[tuple[str, ...]]:
    """The words of each command, with a wrong value at the end for each of its numbers and choices."""
    for path, command in commands():
        arguments = ["1" for param in command.params if param.param_type_name == "argument" and param.required]
        others = ["--from", "x"] if path == ("rerun",) else []
        for param in command.params:
            kind = param.type_descriptor
            if param.param_type_name == "option" and (kind.choices or "int" in str(kind.annotation)):
                yield (*path, *arguments, *others, param.opts[0], "n0nsense")


@pytest.mark.parametrize("words", list(numbers_and_choices()), ids=" ".join)
def test_every_number_and_choice_says_what_is_accepted(words: tuple[str, ...]):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.fullmatch(rf"error: {words[-2]} 'n0nsense': give .+\n", result.stderr)
    assert not LIBRARY_WORDS.search(result.stderr)


def test_the_numbers_and_choices_are_found():
    assert len(list(numbers_and_choices())) >= 8


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("list --limit 0", "--limit '0': give a whole number, 1 or more"),
        ("list --limit 2.5", "--limit '2.5': give a whole number, 1 or more"),
        ("up --grpc-port 65536", "--grpc-port '65536': give a whole number from 0 to 65535"),
        (
            "list --status fialed",
            "--status 'fialed': give pending, running, paused, completed, failed or cancelled; did you mean 'failed'?",
        ),
        ("restore orders two", "N 'two': give a whole number, 1 or more"),
        ("run", "KEY|ID is missing; `workflow run --help` shows how to use it"),
        ("rerun 1", "--from is missing; `workflow rerun --help` shows how to use it"),
        ("run a b c", "unexpected: b c; `workflow run --help` shows how to use it"),
        ("run a --inptu x", "there is no option --inptu; did you mean '--input'?"),
        ("run a --x", "there is no option --x; `workflow run --help` shows how to use it"),
        ("--version", "there is no option --version; `workflow --help` shows how to use it"),
        ("lsit", "there is no command 'lsit'; did you mean 'list'?"),
        ("schedule craete", "there is no command 'craete'; did you mean 'create'?"),
        ("list --limit", "--limit needs a value; `workflow --help` shows how to use it"),
        ("list --json=yes", "--json takes no value; `workflow --help` shows how to use it"),
        ("export", "name workflows, or use --all"),
        ("watch 1 --after 9999999999", "--after '9999999999': give a whole number from 0 to 2147483647"),
        ("run \udcff", "'\\udcff' is not UTF-8 text"),
        ("list --workflow \udcff", "'\\udcff' is not UTF-8 text"),
        ("revisions \udcff", "'\\udcff' is not UTF-8 text"),
        ("list --limit \x1b[2J", "--limit '\\x1b[2J': give a whole number, 1 or more"),
        (f"list --limit {'9' * 100}x", f"--limit '{'9' * 80}…': give a whole number, 1 or more"),
    ],
)
def test_wrong_usage_is_one_sentence(words: str, sentence: str):
    result = run(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {sentence}\n"


@pytest.mark.parametrize("words", [(), ("schedule",)])
def test_a_group_alone_shows_its_help(words: tuple[str, ...]):
    result = run(*words)
    assert result.exit_code == 2
    assert "Usage: workflow" in result.output
    assert "error" not in result.output


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), ("90s", 90), ("5m", 300), ("2h", 7_200), ("1h30m", 5_400), ("1d", 86_400), ("0", 0)],
)
def test_lengths_of_time(text: str, seconds: float):
    assert seconds_of("--in", text) == seconds


@pytest.mark.parametrize("text", ["", "-5", "5 m", "m", "5x", "soon", "1e3", "5m30", "1m 1s", "nan", "½h"])
def test_what_is_not_a_length_of_time_is_told_the_forms(text: str):
    with pytest.raises(CliError) as caught:
        seconds_of("--in", text)
    assert caught.value.message == (f"--in {text!r}: give a length of time, as 90 (seconds), 90s, 5m, 2h, 1h30m or 1d")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T02:00:00Z", "2026-01-31T02:00:00.000000Z"),
        ("2026-01-31T02:00:00+01:00", "2026-01-31T01:00:00.000000Z"),
        ("2026-01-31 02:00+01:00", "2026-01-31T01:00:00.000000Z"),
    ],
)
def test_instants(text: str, instant: str):
    assert instant_of("--at", text) == instant


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tomorrow", "is not a date and time"),
        ("2026-01-31", "has no time zone"),
        ("2026-01-31T02:00:00", "has no time zone"),
        ("2026-02-30T02:00:00Z", "is not a date and time"),
        ("0001-01-01T00:00:00+14:00", "is not a date and time"),
        ("1769824800", "is not a date and time"),
    ],
)
def test_what_is_not_an_instant_is_told_the_forms(text: str, problem: str):
    with pytest.raises(CliError) as caught:
        instant_of("--at", text)
    assert caught.value.message == (
        f"--at {text!r} {problem}; give one as 2026-01-31T02:00:00Z or 2026-01-31T02:00:00+01:00"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "a name in double quotes is missing here"),
        ("{'a': 1}", "a name in double quotes is missing here"),
        ('{"a" 1}', "`:` is missing here"),
        ('{"a": 1 "b": 2}', "`,` or a closing bracket is missing here"),
        ('{"a": }', "a value is missing here"),
        ('{"a": 1}}', "the document has ended before this"),
        ('{"a": "b', "the text that begins here has no closing quote"),
        ('{"a": "\t"}', r"a control character must be written as an escape, as `\n`"),
        ('{"a": "\\x"}', r'`\` must be followed by one of `"\/bfnrtu`'),
        ("", "a value is missing here"),
    ],
)
def test_json_that_cannot_be_read_is_explained_with_its_place(text: str, said: str):
    with pytest.raises(CliError) as caught:
        json_object("--input", text)
    assert re.fullmatch(r"--input cannot be read at line 1, column \d+: this is not JSON: (.+)", caught.value.message)
    assert caught.value.message.endswith(said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": ["\\ud800"]}', "--input.a[0]: must not contain lone surrogates"),
        ('{"a": 1e400}', "--input.a: must be a finite number"),
        ('{"a": 123456789012345678901234567890}', "--input.a: must be an integer of at most 64 bits"),
        ('{"a": "\\u0000"}', "--input.a: must not contain the NUL character"),
    ],
)
def test_json_that_cannot_be_stored_is_refused_with_its_path(text: str, message: str):
    with pytest.raises(CliError) as caught:
        json_object("--input", text)
    assert caught.value.message == message
