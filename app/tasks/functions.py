"""The registry of functions that `python` tasks can call, by name."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, TypeVar

from app.domain.accepted import choice_form
from app.domain.handlers import Attempt
from app.tasks.plugins import PluginError, import_modules, load_plugins
from app.tasks.rights import ANY

FUNCTIONS_GROUP = "workflow.functions"

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


@dataclass(frozen=True)
class TaskFunction:
    """A registered callable. A parameter named `attempt` receives the `Attempt`, not a value from the config."""

    call: Callable[..., Any]

    @cached_property
    def is_coroutine(self) -> bool:
        return inspect.iscoroutinefunction(self.call)

    @cached_property
    def takes_attempt(self) -> bool:
        parameter = self._signature.parameters.get("attempt") if self._signature is not None else None
        return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)

    @cached_property
    def _signature(self) -> inspect.Signature | None:
        """None for built-in callables without a signature; their arguments are not checked before the call."""
        try:
            return inspect.signature(self.call)
        except (TypeError, ValueError):
            return None

    def argument_problem(self, arguments: Mapping[str, Any]) -> str | None:
        """Why the function cannot be called with these keywords; None if it can."""
        if self.takes_attempt and "attempt" in arguments:
            return "must not hold 'attempt': the engine fills it in"
        if self._signature is None:
            return None
        try:
            self._signature.bind(**arguments, **({"attempt": None} if self.takes_attempt else {}))
        except TypeError as error:
            return f"does not fit the function: {error}"
        return None

    def keywords(self, arguments: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
        return {**arguments, "attempt": attempt} if self.takes_attempt else dict(arguments)


_decorated: dict[str, TaskFunction] = {}


def task_function(name: str) -> Callable[[AnyFunction], AnyFunction]:
    """Register a function for `python` tasks under `name`. Raise ValueError if another function has the name."""

    def register(function: AnyFunction) -> AnyFunction:
        known = _decorated.get(name)
        if known is not None and _origin(known.call) != _origin(function):
            raise ValueError(f"task function {name!r} is already registered by {_origin(known.call)}")
        _decorated[name] = TaskFunction(function)
        return function

    return register


def load_functions(modules: tuple[str, ...]) -> Mapping[str, TaskFunction]:
    """Import the modules; return all functions by name: decorated ones and those of entry points.

    Raise `PluginError` when a module or entry point cannot be loaded, is not callable, or uses a name that is taken.
    """
    import_modules(modules)
    plugged: dict[str, TaskFunction] = {}
    for name, function in load_plugins(FUNCTIONS_GROUP):
        if not callable(function):
            raise PluginError(f"entry point {name!r} of {FUNCTIONS_GROUP} is not callable")
        if name in plugged or (name in _decorated and _decorated[name].call is not function):
            raise PluginError(f"entry point {name!r} of {FUNCTIONS_GROUP}: the name is taken")
        plugged[name] = TaskFunction(function)
    return {**_decorated, **plugged}


def available(functions: Mapping[str, TaskFunction], names: Collection[str], tenant: str) -> Mapping[str, TaskFunction]:
    """Those of the functions that the tenant can call; `*` among the names is all. Raise `PluginError` for a name that
    no function has.
    """
    if ANY in names:
        return functions
    for name in sorted(names):
        if name not in functions:
            near = get_close_matches(name, functions, n=3)
            hint = f"did you mean {choice_form(near)}?" if near else "PYTHON_MODULES must name the module that has it"
            raise PluginError(f"TENANTS_FILE: [{tenant}] python_functions: no function {name!r}; {hint}")
    return {name: functions[name] for name in names}


def _origin(function: Callable[..., Any]) -> str:
    """Module and qualified name, by which a module that is imported again can register its functions again."""
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
