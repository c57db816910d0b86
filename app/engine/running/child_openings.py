"""Prepares the children that a task starts. This only reads; the step that names the children stores them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

import orjson

from app.background.backoff import Backoff
from app.background.fair_places import FairPlaces
from app.domain.errors import Invalid, NotFound, ServiceError, Unavailable
from app.domain.executions import Execution, Parent
from app.domain.handlers import Call, TaskError
from app.domain.payloads import Payload, Payloads
from app.domain.refs import parse_ref
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.identifiers import new_execution_id
from app.engine.planning.plan import PlannedTask
from app.engine.planning.plans import Plans
from app.engine.ports import ChildOpening, Clock, FamilyReader, Opening
from app.engine.running.limits import Limits

RETRY = Backoff(first_seconds=0.5, longest_seconds=5.0)
AT_ONCE = 1
"""So many tasks of an engine prepare children at the same time. More would fill its steps with those of one family."""

LARGE_FAMILY = 1_000
LONGEST_REST = 3.0
"""A family grows the slower, the larger it is. After a turn, none follows for as long as the turn took, times members /
`LARGE_FAMILY`, times 3 at most. So one that grows without end leaves most of the time to others, and a usual
one does not notice it. Measured for a workflow that starts itself six times, with 50 places: `seq3` of a neighbour took
162 ms (p95), and takes 14 ms; alone it takes 6 ms.
"""

Known = dict[str, tuple[int, int]]
"""Workflows by what a task calls them: the id and the current revision."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ChildOpenings:
    """For all executions of an engine. While the database is unreachable, calls wait.

    - plans: the compiled revisions
    - families: counts descendants
    - clock: says when children are created
    - payloads: refuses inputs that are too large
    - evaluations: checks inputs against schemas
    - limits: how large a family may become
    - new_id: makes the ids of children
    - backoff: the pauses after calls that failed
    - turns: one for each task that prepares children; tenants and workflows get them in turn
    """

    plans: Plans
    families: FamilyReader
    clock: Clock
    payloads: Payloads
    evaluations: Evaluations
    limits: Limits
    new_id: Callable[[], UUID] = new_execution_id
    backoff: Backoff = RETRY
    turns: FairPlaces = field(default_factory=partial(FairPlaces, AT_ONCE))

    @asynccontextmanager
    async def turn(self, parent: Execution, count: int) -> AsyncIterator[None]:
        """Prepare children within the context, when no other task does.

        parent: the execution whose children they are.
        count: how many there are.

        Raise `TaskError` when the execution may not start so many. The larger its family, the longer the turn lasts.
        """
        now = asyncio.get_running_loop().time
        async with self.turns.place(parent.group):
            began = now()
            there = await self.check_family(parent, count)
            yield
            await asyncio.sleep((now() - began) * min(there / LARGE_FAMILY, LONGEST_REST))

    async def check_family(self, parent: Execution, count: int) -> int:
        """How many are in the family, without its root. Raise `TaskError` when there may not be `count` more.

        What other executions of the family start at the same moment is not counted.
        """
        if parent.depth >= (most := self.limits.max_depth):
            message = f"the execution has {parent.depth} parents above it, and the limit is {most} (MAX_DEPTH)"
            raise TaskError("too_deep", message, retryable=False)
        most = self.limits.max_descendants
        there = await self._insist(lambda: self.families.count_descendants(parent.root_id, most + 1))
        if there + count > most:
            message = (
                f"execution {parent.root_id}, at the top of the family, has {there} executions below it, "
                f"and the limit is {most} (MAX_DESCENDANTS)"
            )
            raise TaskError("too_many_descendants", message, retryable=False)
        return there

    async def prepare(
        self, parent: Execution, task: PlannedTask, element: int | None, call: Call, known: Known
    ) -> ChildOpening:
        """The child that the task starts. Raise `TaskError` when its workflow cannot be started.

        known: what was read for other children of the same step; what is read here is added.
        """
        try:
            # Only the text is used: the value is part of a config that other attempts use, too.
            payload = Payload(self.payloads.from_value(call.input, "input").text)
            workflow_id, revision = await self._runnable(parent.tenant_id, call.workflow, payload, known)
        except (NotFound, Invalid) as error:
            raise TaskError("child_not_started", error.message, retryable=isinstance(error, NotFound)) from None
        except ServiceError as error:
            raise TaskError("child_not_started", error.message, retryable=False) from None
        created = orjson.dumps({"parent_id": str(parent.id), "parent_task": task.name}).decode()
        opening = Opening(workflow_id, revision, payload, self.clock.now(), created_data=created)
        link = Parent(parent.id, task.id, element, parent.root_id, parent.depth + 1)
        return ChildOpening(self.new_id(), opening, link)

    async def _runnable(self, tenant_id: int, workflow: str, input: Payload, known: Known) -> tuple[int, int]:
        """The id and the current revision of a workflow. Raise `NotFound`, and `Invalid` for a wrong input."""
        ref = parse_ref(workflow, tenant_id)
        current = known.get(workflow) or await self._insist(lambda: self.plans.current(ref))
        plan = None if current is None else await self._insist(lambda: self.plans.get(tenant_id, *current))
        if current is None or plan is None:
            raise NotFound("workflow", ref)
        contract, group = plan.input, Group(tenant_id, current[0])
        if problems := await self._insist(lambda: checked_input(self.evaluations, contract, input, group)):
            raise Invalid(problems)
        known[workflow] = current
        return current

    async def _insist(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Repeat the call until the database is reachable."""
        pauses = self.backoff.pauses()
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(next(pauses))


def in_element(error: TaskError, element: int | None) -> TaskError:
    """The error with the element that it is about, if the task runs for each."""
    if element is None:
        return error
    message = f"element {element}: {error.message}"
    return TaskError(error.code, message, retryable=error.retryable, retry_after_seconds=error.retry_after_seconds)
