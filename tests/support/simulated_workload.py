"""What chance puts into one simulation: workflows, and how bad things become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from app.domain.calls import CALLING_TYPE
from app.domain.definitions import ExecutionType, OnFailure, RetryPolicy, TaskDraft, WorkflowDraft
from tests.support.simulated_families import MOST_AT_ONCE
from tests.support.simulated_machine import TARGETS, moving_workflow
from tests.support.simulated_network import Weather

GO = "go"
"""The name of the signal that tasks wait for."""

TENANTS = (1, 2, 3)

ANSWERS = ("yes", "no")
"""A signal's payload has one of these as its key; some tasks take only one of them."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`mishaps` are what may happen to processes, and `calamities` how often something does, until `chaos_seconds`.

    `feed_readers` follow the feed of some tenant. A machine of each tenant governs so many `things`.

    `tenants` each have the workflows, with the same keys. `limits` are how many executions of a tenant an engine runs
    at most, for those that are limited. `forgetting` is how often an engine dies after a step that concerns others of a
    family, before it has woken these.
    """

    engines: int
    has_desk: bool
    tenants: Sequence[int]
    limits: Mapping[int, int]
    workflows: Sequence[WorkflowDraft]
    starts: int
    weather: Weather
    mishaps: Sequence[str]
    calamities: int
    chaos_seconds: float
    largest_skew: float
    forgetting: float
    feed_readers: int
    things: int = 0


MISHAPS = ("kill", "kill between steps", "freeze", "freeze between steps", "cut", "stop", "skew", "edit")


def draw_scenario(chance: Random) -> Scenario:
    """Each misfortune is left out in half of the simulations, so that the others are seen alone, too."""
    count = chance.randint(1, 2)
    tenants = TENANTS[: chance.choice([1, 2, 3])]
    return Scenario(
        engines=chance.choice([1, 2, 2, 3]),
        has_desk=chance.random() < 0.3,
        tenants=tenants,
        limits={tenant_id: chance.randint(1, 3) for tenant_id in tenants if chance.random() < 0.25},
        workflows=[*(_draw_workflow(chance, number) for number in range(count)), _draw_leaf(chance, count)],
        starts=chance.randint(1, 5),
        weather=_draw_weather(chance),
        mishaps=[mishap for mishap in MISHAPS if chance.random() < 0.5],
        calamities=chance.randint(0, 8),
        chaos_seconds=chance.uniform(2, 9),
        largest_skew=chance.choice([0.0, 0.0, 3.0]),
        forgetting=chance.choice([0.0, 0.3]),
        feed_readers=chance.choice([0, 0, 0, 1, 2]),
    )


def with_things(scenario: Scenario, chance: Random) -> Scenario:
    """Every fifth simulation has entities, and a workflow that moves them. The others stay as they were."""
    things = chance.choice([*8 * [0], 1, 2])
    if not things:
        return scenario
    mover = moving_workflow(len(scenario.workflows), chance.choice(TARGETS), chance.choice(["fail", "retry"]))
    return replace(scenario, workflows=[*scenario.workflows, mover], things=things)


def _draw_weather(chance: Random) -> Weather:
    def sometimes(most: float) -> float:
        return chance.random() * most if chance.random() < 0.5 else 0.0

    return Weather(
        latency=chance.choice([0.001, 0.005, 0.05]),
        slow=sometimes(0.1),
        hanging=sometimes(0.03),
        failing=sometimes(0.15),
        losing=sometimes(0.15),
        late=sometimes(0.1),
        lost_notifications=sometimes(1.0),
    )


def _draw_leaf(chance: Random, number: int) -> WorkflowDraft:
    """A workflow that others call, and that calls none."""
    steps = [_draw_task(chance, [(0, False)], 0, 0.0)] if chance.random() < 0.7 else []
    tasks = [replace(step, compensate=(), timeout_seconds=None) for step in steps]
    return WorkflowDraft(f"workflow {number}", key=f"w{number}", tasks=tasks)


def _draw_workflow(chance: Random, number: int) -> WorkflowDraft:
    count = chance.choice([0, 1, 2, 3, 4, 5, 6])
    shapes = [(chance.randint(0, 2), chance.random() < 0.3) for _ in range(count)]
    failing = chance.choice([0.0, 0.0, 0.1, 0.4])
    steps = [_draw_task(chance, shapes, index, failing) for index in range(count)]
    if chance.random() < 0.5:
        steps = [_perhaps_calling(chance, step, number) for step in steps]
    undoing = [_draw_compensation(chance, name, failing) for step in steps for name in step.compensate]
    timeout = chance.choice([None, None, None, 1.0, 6.0])
    tasks = (*steps, *undoing)
    return WorkflowDraft(f"workflow {number}", key=f"w{number}", tasks=tasks, timeout_seconds=timeout)


def _draw_task(chance: Random, shapes: Sequence[tuple[int, bool]], index: int, failing: float) -> TaskDraft:
    group, is_free = shapes[index]
    kind = chance.choice(["instant", "slow", "slow", "slow", "waiting"])
    schema = None
    config = {"seconds": chance.choice([0.05, 0.3, 1.0, 5.0]), "failing": failing}
    if kind == "waiting":
        config = {"seconds": chance.uniform(0, 3), "signal": chance.choice([None, GO])}
        schema = chance.choice([None, None, *({"required": [answer]} for answer in ANSWERS)])
    return TaskDraft(
        f"t{index}",
        chance.choice(list(ExecutionType)),
        sequence=group,
        type=kind,
        config=config,
        timeout_seconds=chance.choice([None, None, 0.5]),
        retry=RetryPolicy(chance.randint(1, 3), initial_interval_seconds=chance.choice([0.05, 0.5, 2.0])),
        depends_on=_draw_dependencies(chance, shapes, index) if is_free else None,
        on_failure=chance.choice([OnFailure.FAIL, OnFailure.FAIL, OnFailure.CONTINUE]),
        compensate=tuple(f"undo t{index} {n}" for n in range(chance.choice([0, 0, 1, 2]))),
        output_schema=schema,
    )


def _perhaps_calling(chance: Random, step: TaskDraft, number: int) -> TaskDraft:
    """Some of the tasks run a workflow: their own, or most of them one of those after it."""
    if chance.random() < 0.6:
        return step
    config = {"workflow": f"w{number + chance.choice([0, 1, 1, 1])}"}
    for_each = chance.choice([None, None, None, f"[{', '.join('123'[: chance.randint(0, MOST_AT_ONCE)])}]"])
    most = None if for_each is None else chance.choice([None, 1])
    timeout = chance.choice([None, None, 0.2, 1.5])
    return replace(
        step,
        type=CALLING_TYPE,
        config=config,
        for_each=for_each,
        max_concurrency=most,
        timeout_seconds=timeout,
        output_schema=None,
    )


def _draw_compensation(chance: Random, name: str, failing: float) -> TaskDraft:
    kind = chance.choice(["instant", "slow"])
    config = {"seconds": chance.choice([0.05, 0.3]), "failing": failing}
    return TaskDraft(name, type=kind, config=config, retry=RetryPolicy(2, initial_interval_seconds=0.05))


def _draw_dependencies(chance: Random, shapes: Sequence[tuple[int, bool]], own: int) -> tuple[str, ...]:
    """Names of tasks that can come before: of earlier groups, or of the own one where that makes no cycle."""
    group = shapes[own][0]
    before = [
        f"t{index}"
        for index, (other, is_free) in enumerate(shapes)
        if other < group or (other == group and index != own and (not is_free or index < own))
    ]
    return tuple(name for name in before if chance.random() < 0.4)
