"""Wrong usage in sentences: what was typed and what is accepted, in place of the words of libraries."""

import re
from collections.abc import Sequence
from typing import Any, get_args

import typer
from typer.exceptions import TyperException

from app.cli.near_names import did_you_mean
from app.domain.accepted import choice_form, number_form

LONGEST_VALUE = 80

_TOO_MANY = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)")
_UNKNOWN_COMMAND = re.compile(r"No such command '(.*?)'")


def usage_sentence(error: TyperException) -> str:
    """The error in one sentence. For a wrong value it says what is accepted, otherwise which help to read."""
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    if isinstance(error, typer.BadParameter) and error.message:
        return error.message if param is None else _wrong_value(error, param)
    words = _wrong_words(error, context, param)
    command = "workflow" if context is None else context.command_path
    return words if words.endswith("?") else f"{words}; `{command} --help` shows how to use it"


def _wrong_value(error: TyperException, param: Any) -> str:
    typed, choices = _typed(error), _choices(param)
    accepted = choice_form(choices) if choices else _number(param)
    if accepted is None:
        return f"{_name(param)}: {error.message}"
    return f"{_name(param)} {_shown(typed)}: give {accepted}{did_you_mean(str(typed), choices)}"


def _wrong_words(error: TyperException, context: Any, param: Any) -> str:
    if param is not None:
        return f"{_name(param)} is missing"
    option = getattr(error, "option_name", None)
    if hasattr(error, "possibilities"):
        return f"there is no option {option}{did_you_mean(str(option), _options(context))}"
    if option is not None:
        return f"{option} {'takes no value' if 'not take' in error.message else 'needs a value'}"
    if too_many := _TOO_MANY.match(error.message):
        return f"unexpected: {too_many[1]}"
    if unknown := _UNKNOWN_COMMAND.match(error.message):
        return f"there is no command '{unknown[1]}'{did_you_mean(unknown[1], context.command.commands)}"
    return error.message.rstrip(".")


def _typed(error: TyperException) -> Any:
    """The value as it was typed: the library keeps it in the error that caused this one."""
    cause: Any = error.__cause__
    return cause.errors()[0]["input"] if hasattr(cause, "errors") else None


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…")


def _choices(param: Any) -> Sequence[str]:
    return [str(choice.value) for choice in param.type_descriptor.choices or ()]


def _number(param: Any) -> str | None:
    annotation, bounds = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    kinds = {annotation, *get_args(annotation)} & {int, float}
    return number_form(kinds.pop(), bounds.min, bounds.max) if kinds else None


def _name(param: Any) -> str:
    """`--limit`, or the word that stands for an argument in the help."""
    return max(param.opts, key=len) if param.param_type_name == "option" else str(param.metavar or param.name)


def _options(context: Any) -> list[str]:
    return [name for param in context.command.params for name in param.opts if name.startswith("--")]
