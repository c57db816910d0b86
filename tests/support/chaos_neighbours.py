"""Callers who read the lists of their own tenant, and try what they can with what the lists of the others show.

Promised is that lists have only what is of the tenant, and that what another tenant has answers as what nothing has.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing

from tests.support.chaos_callers import Absent, Disturbed, Ended, GrpcCaller, TenantCallers, Wrong

NEIGHBOURS = 3
MOST_TRIES = 4
LONGEST_REST_SECONDS = 0.5
REMEMBERED = 200

Try = Callable[[TenantCallers, random.Random, str], Awaitable[object]]


async def _watch(caller: GrpcCaller, execution_id: str) -> None:
    async with aclosing(caller.watch(execution_id, 0)) as updates:
        async for _ in updates:
            return


TRIES_AT_EXECUTIONS: Mapping[str, Try] = {
    "look": lambda of, dice, wanted: of.anyone(dice).look(wanted),
    "watch": lambda of, dice, wanted: _watch(of.a_grpc(dice), wanted),
    "events": lambda of, dice, wanted: of.a_rest(dice).events(wanted, 0),
    "cancel": lambda of, dice, wanted: of.anyone(dice).control("cancel", wanted),
    "pause": lambda of, dice, wanted: of.anyone(dice).control("pause", wanted),
    "resume": lambda of, dice, wanted: of.anyone(dice).control("resume", wanted),
    "signal": lambda of, dice, wanted: of.anyone(dice).signal(wanted, "go"),
    "retry": lambda of, dice, wanted: of.anyone(dice).retry(wanted),
}
TRIES_AT_WORKFLOWS: Mapping[str, Try] = {
    "read": lambda of, dice, wanted: of.a_rest(dice).definition(wanted),
    "describe": lambda of, dice, wanted: of.a_rest(dice).describe(wanted, f"{of.tenant.name} was here"),
    "start": lambda of, dice, wanted: of.anyone(dice).start(wanted, f"by {of.tenant.name}"),
}


class Neighbours:
    """`seen` has the executions in the lists of each tenant, `refused` counts what was tried and refused, `wrong` says
    what no tenant may ever see."""

    def __init__(self, callers: Sequence[TenantCallers], seed: int) -> None:
        self._callers = callers
        self._seed = seed
        self._newest = {of.tenant.name: deque[str](maxlen=REMEMBERED) for of in callers}
        self.seen: dict[str, set[str]] = {of.tenant.name: set() for of in callers}
        self.lists = 0
        self.refused: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(NEIGHBOURS):
                group.create_task(self._live(random.Random(f"neighbour {number} {self._seed}")))

    async def _live(self, dice: random.Random) -> None:
        while True:
            of, other = dice.sample(self._callers, 2)
            await self._bear(of, self._read_lists(of, dice))
            for _ in range(dice.randint(1, MOST_TRIES)):
                await self._bear(of, self._trespass(of, other, dice))
            await asyncio.sleep(dice.uniform(0, LONGEST_REST_SECONDS))

    async def _bear(self, of: TenantCallers, deed: Awaitable[None]) -> None:
        try:
            await deed
        except Disturbed as error:
            self.errors[str(error)] += 1
        except (Ended, Wrong) as error:
            self.wrong.append(f"a neighbour of {of.tenant.name}: {error!r}")

    async def _read_lists(self, of: TenantCallers, dice: random.Random) -> None:
        tenant = of.tenant
        for found in await of.anyone(dice).newest():
            self._note(of, found.execution_id, found.workflow_id)
        of_workflows = {workflow["key"]: workflow["id"] for workflow in await of.a_rest(dice).workflows()}
        if of_workflows != tenant.workflows:
            self.wrong.append(f"{tenant.name} has the workflows {tenant.workflows}, its list {of_workflows}")
        self.lists += 2

    def _note(self, of: TenantCallers, execution_id: str, workflow_id: int) -> None:
        name = of.tenant.name
        if workflow_id not in of.tenant.workflows.values():
            self.wrong.append(f"{execution_id} of the workflow {workflow_id} is in a list of {name}")
        if others := [other for other, seen in self.seen.items() if other != name and execution_id in seen]:
            self.wrong.append(f"{execution_id} is in a list of {name}, and was in one of {others}")
        if execution_id not in self.seen[name]:
            self.seen[name].add(execution_id)
            self._newest[name].append(execution_id)

    async def _trespass(self, of: TenantCallers, other: TenantCallers, dice: random.Random) -> None:
        """Try something with an execution or a workflow of the other one."""
        executions, workflows = self._newest[other.tenant.name], list(other.tenant.workflows.values())
        tries = dice.choice((TRIES_AT_EXECUTIONS, TRIES_AT_EXECUTIONS, TRIES_AT_WORKFLOWS))
        wanted = dice.choice(workflows if tries is TRIES_AT_WORKFLOWS else executions or [None])
        if wanted is None:
            return
        name, attempt = dice.choice(list(tries.items()))
        what = f"{name} at {wanted} of {other.tenant.name}"
        try:
            await attempt(of, dice, str(wanted))
        except Absent:
            self.refused[name] += 1
        except (Ended, Wrong) as error:
            self.wrong.append(f"{of.tenant.name} tried {what}, and was answered {error!r}")
        else:
            self.wrong.append(f"{of.tenant.name} tried {what}, and it was done")
