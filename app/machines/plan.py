"""A machine, compiled to be asked: which transitions leave a state, and what their conditions are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.machines.conditions import Conditions, read_conditions
from app.machines.machine import ANY, Machine, State, Transition


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition that leaves a state.

    transition: as it is defined.
    target: the state that it enters.
    conditions: what must hold.
    """

    transition: Transition
    target: str
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class MachinePlan:
    """A compiled revision of a machine.

    machine: the revision.
    initial: the state in which entities begin.
    states: by their names.
    edges: those that leave each state, in the order of the definition.
    finals: the names of the final states.
    """

    machine: Machine
    initial: State
    states: Mapping[str, State]
    edges: Mapping[str, Sequence[Edge]]
    finals: frozenset[str]

    def leaving(self, state: str) -> Sequence[Edge]:
        """The transitions that leave a state; none for a final one."""
        return self.edges.get(state, ())

    def named(self, state: str, name: str) -> Edge | None:
        return next((edge for edge in self.leaving(state) if edge.transition.name == name), None)

    def to(self, state: str, target: str) -> Sequence[Edge]:
        """Those that lead from a state to another one."""
        return [edge for edge in self.leaving(state) if edge.target == target]


def compile_machine(machine: Machine) -> MachinePlan:
    """Compile a machine without problems."""
    conditions = {id(one): read_conditions(one.conditions)[0] for one in machine.transitions}
    return MachinePlan(
        machine=machine,
        initial=next(state for state in machine.states if state.initial),
        states={state.name: state for state in machine.states},
        edges={
            state.name: [Edge(one, one.target, conditions[id(one)]) for one in leaving(machine.transitions, state)]
            for state in machine.states
        },
        finals=frozenset(state.name for state in machine.states if state.final),
    )


def leaving(transitions: Sequence[Transition], state: State) -> Sequence[Transition]:
    """Those that leave a state. A wildcard stands for each state that is not final, but for the target of its own.

    A transition that names the state comes before a wildcard of the same name or to the same target.
    """
    if state.final:
        return ()
    explicit = [one for one in transitions if one.source == state.name]
    names, targets = {one.name for one in explicit}, {one.target for one in explicit}
    return [
        one
        for one in transitions
        if one.source == state.name
        or (one.source == ANY and one.target != state.name and one.name not in names and one.target not in targets)
    ]
