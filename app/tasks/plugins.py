"""What installed packages add through entry points."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class PluginError(Exception):
    """A plug-in or a module of functions cannot be used; the message names it and says why."""


def load_plugins(group: str) -> Iterator[tuple[str, Any]]:
    """Name and object of every entry point of a group. Raise `PluginError` when one does not load."""
    for entry in sorted(entry_points(group=group)):
        try:
            yield entry.name, entry.load()
        except Exception as error:
            raise PluginError(f"entry point {entry.name!r} of {group} ({entry.value}): {_reason(error)}") from error


def import_modules(names: tuple[str, ...]) -> None:
    """Import each module, so that what it registers is there. Raise `PluginError` when one does not import."""
    for name in names:
        try:
            import_module(name)
        except Exception as error:
            raise PluginError(f"PYTHON_MODULES: {name!r} cannot be imported: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
