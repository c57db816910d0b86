"""The config of a step, in which `${key}` stands for a value of the payload."""

import re
from collections.abc import Callable
from typing import Any

_PAYLOAD_KEY = re.compile(r"\$\{([\w-]+)\}", re.ASCII)
_FIELD = re.compile(r"(?!(?:true|false|null|in)$)[A-Za-z_]\w*", re.ASCII)
"""A key that can follow a dot in an expression."""

_INPUT_FIELD = re.compile(r"\$\{input(?:\.(\w+)|\[\"([\w-]+)\"\])\}", re.ASCII)


def config_of_task(config: dict[str, Any]) -> dict[str, Any]:
    """The config in our words: a string that is `${key}` and nothing else becomes `${input.key}`, at any depth."""
    return {name: _mapped(value, _as_input) for name, value in config.items()}


def config_of_step(config: dict[str, Any]) -> dict[str, Any] | None:
    """The config of a step for which `config_of_task` is `config`; None if there is none."""
    shown = {name: _mapped(value, _as_payload_key) for name, value in config.items()}
    return shown if config_of_task(shown) == config else None


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
    return value


def _as_input(text: str) -> str:
    found = _PAYLOAD_KEY.fullmatch(text)
    if found is None:
        return text
    key = found[1]
    return f"${{input.{key}}}" if _FIELD.fullmatch(key) else f'${{input["{key}"]}}'


def _as_payload_key(text: str) -> str:
    found = _INPUT_FIELD.fullmatch(text)
    shown = text if found is None else f"${{{found[1] or found[2]}}}"
    return shown if _as_input(shown) == text else text
