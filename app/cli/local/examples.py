"""Loads the definitions under `examples/` of a checkout, for `workflow up`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import app
from app.cli.files.applying import Change, apply_definitions, tell
from app.cli.files.definition_files import Definition, read_definitions
from app.config import Settings

FOLDER = Path(app.__path__[0]).parent / "examples"
WRITTEN_ADDRESS = "http://127.0.0.1:8000"
"""The address of the REST API in the files of the examples."""


def example_settings(settings: Settings, rest_address: str) -> Mapping[str, str]:
    """The settings that the examples need in addition to `settings`. `rest_address` is `host:port`."""
    functions = [f"examples.{path.parent.name}.functions" for path in sorted(FOLDER.glob("*/functions.py"))]
    return {
        "PYTHON_MODULES": ",".join(dict.fromkeys((*settings.function_modules, *functions))),
        "HTTP_TASK_ALLOWED_HOSTS": ",".join(sorted({*settings.allowed_hosts, rest_address})),
    }


def load_examples(rest_url: str) -> Sequence[str]:
    """Apply every YAML file of the folder; return their keys. An installed package has no examples."""
    definitions = read_definitions(sorted(FOLDER.rglob("*.yaml")))
    outcomes = apply_definitions(rest_url, [_at_address(definition, rest_url) for definition in definitions])
    for outcome in outcomes:
        if outcome.change is Change.REFUSED:
            tell(outcome)
    return [outcome.key for outcome in outcomes if outcome.change is not Change.REFUSED]


def _at_address(definition: Definition, rest_url: str) -> Definition:
    """The definition with the address of the REST API replaced by the one that it really has."""
    return replace(definition, document=_readdressed(definition.document, rest_url))


def _readdressed(value: Any, rest_url: str) -> Any:
    if isinstance(value, dict):
        return {name: _readdressed(child, rest_url) for name, child in value.items()}
    if isinstance(value, list):
        return [_readdressed(child, rest_url) for child in value]
    if isinstance(value, str) and value.startswith(WRITTEN_ADDRESS):
        return rest_url + value.removeprefix(WRITTEN_ADDRESS)
    return value
