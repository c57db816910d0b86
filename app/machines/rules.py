"""What a machine must be like to be stored, and what is probably a mistake."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.domain.definitions import MAX_DESCRIPTION, MAX_NAME, MAX_TIMEOUT_SECONDS, text_problems
from app.domain.errors import Invalid, Problem
from app.domain.json_values import encode
from app.domain.refs import key_problems
from app.expressions.errors import ExpressionError
from app.expressions.template import Template, compile_template, parts_of, templated_strings
from app.machines.conditions import compile_own, own_expression, read_conditions
from app.machines.machine import ANY, MachineDraft, Run, State, Timer, Transition
from app.machines.plan import leaving

MAX_STATE_NAME = 100
MAX_METADATA_BYTES = 65_536
MAX_EXPRESSIONS = 50_000


def check_machine(draft: MachineDraft, *, strict: bool = False) -> Sequence[Problem]:
    """The warnings of a draft. Raise `Invalid` with every problem; with `strict`, warnings are problems."""
    _refuse_long_expressions(draft)
    if problems := [*_of_machine(draft), *_of_states(draft), *_of_transitions(draft)]:
        raise Invalid(problems)
    warnings = list(_warnings(draft))
    if strict and warnings:
        raise Invalid(warnings)
    return warnings


def _refuse_long_expressions(draft: MachineDraft) -> None:
    """Compiling takes up to 4 µs for each character, and nothing else runs meanwhile."""
    total = sum(map(len, _expressions(draft)))
    if total > MAX_EXPRESSIONS:
        message = f"have {total} characters of expressions in all; the limit is {MAX_EXPRESSIONS}"
        raise Invalid.at("transitions", message)


def _expressions(draft: MachineDraft) -> Iterator[str]:
    conditions = (one.conditions.get("cel") for one in draft.transitions)
    times = (None if state.after is None else state.after.at for state in draft.states)
    yield from (text for text in (*conditions, *times) if isinstance(text, str))
    runs = (one.run for one in draft.transitions)
    effects = (run for state in draft.states for run in (state.on_enter, state.on_exit))
    for run in filter(None, (*runs, *effects)):
        yield from (text for _, text in templated_strings(dict(run.input)))


def input_template(run: Run) -> Template:
    """The input of an execution that is started, compiled. Its faults were found when the machine was stored."""
    return compile_template(dict(run.input), parts=_own_parts)[0]


def _own_parts(text: str, extra_roots: frozenset[str]) -> Any:
    return parts_of(text, extra_roots, compile_own)


def _of_machine(draft: MachineDraft) -> Iterator[Problem]:
    yield from text_problems("name", draft.name, MAX_NAME, required=True)
    yield from text_problems("description", draft.description, MAX_DESCRIPTION)
    yield from text_problems("version", draft.version, MAX_NAME)
    yield from key_problems(draft.key)
    yield from _free("metadata", draft.metadata)


def _of_states(draft: MachineDraft) -> Iterator[Problem]:
    if not draft.states:
        yield Problem("states", "must have at least one state")
        return
    counts, names = Counter(state.name for state in draft.states), {state.name for state in draft.states}
    for index, state in enumerate(draft.states):
        path = f"states[{index}]"
        yield from text_problems(f"{path}.name", state.name, MAX_STATE_NAME, required=True)
        yield from text_problems(f"{path}.description", state.description, MAX_DESCRIPTION)
        if state.name == ANY:
            yield Problem(f"{path}.name", f"must not be {ANY!r}, which stands for every state")
        if counts[state.name] > 1:
            yield Problem(f"{path}.name", f"{state.name!r} is the name of {counts[state.name]} states")
        yield from _free(f"{path}.metadata", state.metadata)
        yield from _of_timer(draft, state, names, f"{path}.after")
        yield from _of_run(state.on_enter, f"{path}.on_enter")
        yield from _of_run(state.on_exit, f"{path}.on_exit")
    yield from _of_initial(draft.states)


def _of_initial(states: Sequence[State]) -> Iterator[Problem]:
    initial = [index for index, state in enumerate(states) if state.initial]
    if not initial:
        yield Problem("states", "must have one state with `initial: true`")
    for index in initial[1:]:
        yield Problem(f"states[{index}].initial", f"{states[initial[0]].name!r} is the initial state already")


def _of_transitions(draft: MachineDraft) -> Iterator[Problem]:
    states = {state.name: state for state in draft.states}
    counts = Counter((one.source, one.name) for one in draft.transitions)
    names = {one.name for one in draft.transitions}
    for index, one in enumerate(draft.transitions):
        path = f"transitions[{index}]"
        yield from text_problems(f"{path}.name", one.name, MAX_NAME, required=True)
        yield from text_problems(f"{path}.description", one.description, MAX_DESCRIPTION)
        yield from _of_ends(one, states, path)
        if counts[one.source, one.name] > 1:
            yield Problem(f"{path}.name", f"another transition from {one.source!r} has the name {one.name!r}")
        yield from _free(f"{path}.context", one.context)
        yield from _free(f"{path}.metadata", one.metadata)
        yield from read_conditions(one.conditions, f"{path}.conditions")[1]
        yield from _of_other_actor(names, one, path)
        yield from _of_run(one.run, f"{path}.run")


def _of_ends(one: Transition, states: Mapping[str, State], path: str) -> Iterator[Problem]:
    if one.source != ANY and one.source not in states:
        yield Problem(f"{path}.from", f"there is no state {one.source!r}")
    if one.target not in states:
        yield Problem(f"{path}.to", f"there is no state {one.target!r}")
    if one.source in states and states[one.source].final:
        yield Problem(f"{path}.from", f"{one.source!r} is a final state, which nothing leaves")


def _of_other_actor(names: set[str], one: Transition, path: str) -> Iterator[Problem]:
    named = one.conditions.get("not_same_actor_as")
    if isinstance(named, str) and named not in names:
        yield Problem(f"{path}.conditions.not_same_actor_as", f"there is no transition {named!r}")


def _of_timer(draft: MachineDraft, state: State, names: Iterable[str], path: str) -> Iterator[Problem]:
    timer = state.after
    if timer is None:
        return
    if state.final:
        yield Problem(path, "must not be set: nothing leaves a final state")
    yield from _of_time(timer, path)
    if (timer.to is None) == (timer.transition is None):
        yield Problem(path, "needs one of `to` and `transition`")
        return
    edges = leaving(draft.transitions, state)
    if timer.transition is not None and timer.transition not in {one.name for one in edges}:
        yield Problem(f"{path}.transition", f"no transition {timer.transition!r} leaves {state.name!r}")
    if timer.to is not None and timer.to not in names:
        yield Problem(f"{path}.to", f"there is no state {timer.to!r}")
    elif timer.to is not None and sum(one.target == timer.to for one in edges) != 1:
        count = sum(one.target == timer.to for one in edges)
        yield Problem(f"{path}.to", f"{count} transitions lead from {state.name!r} to {timer.to!r}, not one")


def _of_time(timer: Timer, path: str) -> Iterator[Problem]:
    if (timer.seconds is None) == (timer.at is None):
        yield Problem(path, "needs one of `seconds` and `at`")
    if timer.seconds is not None and not 0 <= timer.seconds <= MAX_TIMEOUT_SECONDS * 10:
        yield Problem(f"{path}.seconds", f"must be from 0 to {MAX_TIMEOUT_SECONDS * 10:.0f}")
    if not 1 <= timer.retry_seconds <= MAX_TIMEOUT_SECONDS:
        yield Problem(f"{path}.retry_seconds", f"must be from 1 to {MAX_TIMEOUT_SECONDS:.0f}")
    if timer.at is not None:
        try:
            own_expression(timer.at)
        except ExpressionError as error:
            yield Problem(f"{path}.at", str(error))


def _of_run(run: Run | None, path: str) -> Iterator[Problem]:
    if run is None:
        return
    yield from text_problems(f"{path}.workflow", run.workflow, MAX_NAME, required=True)
    yield from _free(f"{path}.input", run.input)
    for fault in compile_template(dict(run.input), parts=_own_parts)[1]:
        yield Problem(f"{path}.input{fault.path}", fault.message)


def _free(path: str, value: Mapping[str, Any]) -> Sequence[Problem]:
    """Problems of an object of the caller's own."""
    try:
        encode(value, path, MAX_METADATA_BYTES)
    except Invalid as error:
        return error.problems
    return ()


def _warnings(draft: MachineDraft) -> Iterator[Problem]:
    edges = {state.name: {one.target for one in leaving(draft.transitions, state)} for state in draft.states}
    reached = _reached(next(state.name for state in draft.states if state.initial), edges)
    for index, state in enumerate(draft.states):
        if state.name not in reached:
            yield Problem(f"states[{index}]", f"no transition leads to {state.name!r} from the initial state")
        elif not state.final and not edges[state.name]:
            yield Problem(f"states[{index}]", f"nothing leaves {state.name!r}, although it is not final")


def _reached(start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        fresh = set(edges[waiting.pop()]) - found
        found |= fresh
        waiting += fresh
    return found
