"""Reads a machine as callers write it: a JSON object, or a definition file.

The name and what belongs to it stand at the top, or in an object `machine` or `workflow`, as users of other engines
write it. A file with states and without any transitions means every pair of states, except from final ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.domain.errors import Invalid, Problem
from app.domain.refs import key_problems
from app.machines.machine import MAX_STATES, MAX_TRANSITIONS, MachineDraft, Run, State, Timer, Transition

WRAPPERS = ("machine", "workflow")
_TOP = ("key", "name", "description", "version", "metadata")
_STATE = {"name": str, "initial": bool, "final": bool, "description": str, "metadata": dict}
_TRANSITION = {
    "from": str,
    "to": str,
    "name": str,
    "description": str,
    "conditions": dict,
    "context": dict,
    "metadata": dict,
}
_RUN = {"workflow": (str, int), "input": dict, "on_completed": str, "on_failed": str}
_NUMBER = (int, float)
_TIMER = {"seconds": _NUMBER, "at": str, "to": str, "transition": str, "retry_seconds": _NUMBER}
_WORDS = {str: "a text", bool: "true or false", dict: "an object", list: "a list", _NUMBER: "a number"}

Fields = Mapping[str, Any]


def parse_machine(document: Any, ignored: frozenset[str] = frozenset()) -> MachineDraft:
    """The draft that a document describes. Raise `Invalid` with every problem of its form.

    ignored: names of fields at the top that may be there and mean nothing, such as those that only the service sets.
    """
    reader = _Reader()
    draft = reader.machine(document, ignored)
    if reader.problems:
        raise Invalid(reader.problems)
    return draft


def flattened(document: Fields) -> Fields:
    """The document with the fields of its `machine` or `workflow` at the top."""
    wrapper = _wrapper(document)
    if wrapper is None:
        return document
    return {**document[wrapper], **{name: value for name, value in document.items() if name != wrapper}}


def _wrapper(document: Fields) -> str | None:
    return next((name for name in WRAPPERS if isinstance(document.get(name), Mapping)), None)


class _Reader:
    """Collects problems; what is wrong is read as if it was not there."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def machine(self, document: Any, ignored: frozenset[str]) -> MachineDraft:
        top = self._object(document, "")
        wrapper = _wrapper(top)
        allowed = {"states", "transitions", "kind", *ignored, *(_TOP if wrapper is None else (wrapper, "key"))}
        self._unknown(top, allowed, "")
        path = "" if wrapper is None else f"{wrapper}."
        about = dict(top) if wrapper is None else self._about(top[wrapper], wrapper, top.get("key"))
        if top.get("kind", "machine") != "machine":
            self._add("kind", "must be `machine`")
        states = self._states(top.get("states"))
        return MachineDraft(
            name=self._text(about, "name", path, required=True) or "",
            key=self._key(about, path),
            description=self._text(about, "description", path),
            version=self._version(about, path),
            metadata=self._field(about, "metadata", dict, path) or {},
            states=states,
            transitions=self._transitions(top, states),
        )

    def _about(self, value: Fields, wrapper: str, key: Any) -> dict[str, Any]:
        self._unknown(value, set(_TOP), f"{wrapper}.")
        return dict(value) if key is None else dict(value) | {"key": key}

    def _key(self, about: Fields, path: str) -> str | None:
        """The key, or the name if that can be one."""
        if (key := self._text(about, "key", path)) is not None:
            return key
        name = about.get("name")
        return name if isinstance(name, str) and not key_problems(name) else None

    def _version(self, about: Fields, path: str) -> str | None:
        """YAML reads 1.0 as a number."""
        found = about.get("version")
        if isinstance(found, int | float) and not isinstance(found, bool):
            return str(found)
        return self._text(about, "version", path)

    def _states(self, value: Any) -> tuple[State, ...]:
        items = self._list(value, "states", MAX_STATES)
        return tuple(self._state(item, f"states[{index}]") for index, item in enumerate(items))

    def _state(self, value: Any, path: str) -> State:
        if isinstance(value, str):
            return State(value)
        item = self._object(value, path)
        self._unknown(item, {*_STATE, "after", "on_enter", "on_exit"}, f"{path}.")
        known = self._fields(item, _STATE, path)
        if "name" not in known:
            self._add(f"{path}.name", "is missing")
        return State(
            **{"name": "", **known},
            after=self._timer(item.get("after"), f"{path}.after"),
            on_enter=self._run(item.get("on_enter"), f"{path}.on_enter"),
            on_exit=self._run(item.get("on_exit"), f"{path}.on_exit"),
        )

    def _transitions(self, top: Fields, states: Sequence[State]) -> tuple[Transition, ...]:
        if "transitions" not in top:
            return self._every_pair(states)
        items = self._list(top["transitions"], "transitions", MAX_TRANSITIONS)
        return tuple(self._transition(item, f"transitions[{index}]") for index, item in enumerate(items))

    def _every_pair(self, states: Sequence[State]) -> tuple[Transition, ...]:
        count = len(states) * (len(states) - 1)
        if count <= MAX_TRANSITIONS:
            return tuple(every_pair(states))
        self._add(
            "transitions", f"is missing, which stands for all {count} pairs of states; the limit is {MAX_TRANSITIONS}"
        )
        return ()

    def _transition(self, value: Any, path: str) -> Transition:
        item = self._object(value, path)
        self._unknown(item, {*_TRANSITION, "run"}, f"{path}.")
        known = self._fields(item, _TRANSITION, path)
        for name in ("from", "to"):
            if name not in known:
                self._add(f"{path}.{name}", "is missing")
        source, target = known.pop("from", ""), known.pop("to", "")
        run = self._run(item.get("run"), f"{path}.run")
        return Transition(source, target, known.pop("name", f"to_{target}"), run=run, **known)

    def _timer(self, value: Any, path: str) -> Timer | None:
        if value is None:
            return None
        item = self._object(value, path)
        self._unknown(item, set(_TIMER), f"{path}.")
        return Timer(**self._fields(item, _TIMER, path))

    def _run(self, value: Any, path: str) -> Run | None:
        if value is None:
            return None
        item = {"workflow": value} if isinstance(value, str) else self._object(value, path)
        self._unknown(item, set(_RUN), f"{path}.")
        known = self._fields(item, _RUN, path)
        if "workflow" not in known:
            self._add(f"{path}.workflow", "is missing")
        return Run(**{**known, "workflow": str(known.get("workflow", ""))})

    def _fields(self, item: Fields, types: Mapping[str, Any], path: str) -> dict[str, Any]:
        found = ((name, self._field(item, name, kind, f"{path}.")) for name, kind in types.items())
        return {name: value for name, value in found if value is not None}

    def _field(self, item: Fields, name: str, kind: Any, path: str) -> Any:
        value = item.get(name)
        if value is None:
            return None
        is_kind = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if is_kind:
            return value
        self._add(f"{path}{name}", f"must be {_WORDS.get(kind, 'a text')}")
        return None

    def _text(self, item: Fields, name: str, path: str, *, required: bool = False) -> str | None:
        if required and item.get(name) is None:
            self._add(f"{path}{name}", "is missing")
        found: str | None = self._field(item, name, str, path)
        return found

    def _object(self, value: Any, path: str) -> Fields:
        if isinstance(value, Mapping):
            return value
        self._add(path, "must be an object")
        return {}

    def _list(self, value: Any, path: str, limit: int) -> Sequence[Any]:
        if not isinstance(value, list):
            self._add(path, "is missing" if value is None else "must be a list")
            return ()
        if len(value) > limit:
            self._add(path, f"has {len(value)} items; the limit is {limit}")
            return ()
        return value

    def _unknown(self, item: Fields, allowed: set[str], path: str) -> None:
        for name in item:
            if name not in allowed:
                self._add(f"{path}{name}", "is not a field of this object")

    def _add(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


def every_pair(states: Sequence[State]) -> Iterator[Transition]:
    """The transitions of a machine that states none: from each state that is not final to each other one."""
    for source in states:
        if not source.final:
            yield from (Transition(source.name, to.name, f"to_{to.name}") for to in states if to is not source)
