"""Loads functions and task types that installed packages provide as entry points."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class PluginError(Exception):
    """A plug-in or a module of functions cannot be used; the message gives its name and the reason."""


def load_plugins(group: str) -> Iterator[tuple[str, Any]]:
    """Name and object of every entry point of a group. Raise `PluginError` when one cannot be loaded."""
    for entry in sorted(entry_points(group=group)):
        try:
            yield entry.name, entry.load()
        except Exception as error:
            raise PluginError(f"entry point {entry.name!r} of {group} ({entry.value}): {_reason(error)}") from error


def import_modules(names: tuple[str, ...]) -> None:
    """Import each module, so that it registers its functions. Raise `PluginError` when an import fails."""
    for name in names:
        try:
            import_module(name)
        except Exception as error:
            raise PluginError(f"PYTHON_MODULES: {name!r} cannot be imported: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
