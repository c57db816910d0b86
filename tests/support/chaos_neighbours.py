"""Callers who read the lists of their own tenant, and try what they can with what the lists of the others show.

Promised is that lists have only what is of the tenant, and that what another tenant has answers as what nothing has.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import permutations

from tests.support.chaos_callers import Absent, Disturbed, Ended, GrpcCaller, Listed, TenantCallers, Wrong

NEIGHBOURS = 3
MOST_TRIES = 4
LONGEST_REST_SECONDS = 0.5
REMEMBERED = 200
PAGE = 200
OFTEN = 20
TRY_AGAIN_SECONDS = 0.5

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

    async def finish(self) -> None:
        """Read all lists to their end, and try everything with each of the others."""
        dice = random.Random(f"neighbours {self._seed}")
        for of in self._callers:
            await self._bear(of, partial(self._read_all, of, dice))
        for of, other in permutations(self._callers, 2):
            for tries, wanted in self._chances(other):
                for name, attempt in tries.items():
                    await self._bear(of, partial(self._try, of, other, name, attempt, dice.choice(wanted), dice))

    async def _live(self, dice: random.Random) -> None:
        while True:
            of, other = dice.sample(self._callers, 2)
            await self._bear(of, partial(self._read_lists, of, dice), times=1)
            for _ in range(dice.randint(1, MOST_TRIES)):
                tries, wanted = dice.choice(self._chances(other))
                name, attempt = dice.choice(list(tries.items()))
                await self._bear(of, partial(self._try, of, other, name, attempt, dice.choice(wanted), dice), times=1)
            await asyncio.sleep(dice.uniform(0, LONGEST_REST_SECONDS))

    async def _bear(self, of: TenantCallers, deed: Callable[[], Awaitable[None]], times: int = OFTEN) -> None:
        """Do it until it is not disturbed, so many times at most."""
        for _ in range(times):
            try:
                return await deed()
            except Disturbed as error:
                self.errors[str(error)] += 1
            except (Ended, Wrong) as error:
                self.wrong.append(f"a neighbour of {of.tenant.name}: {error!r}")
                return None
            if times > 1:
                await asyncio.sleep(TRY_AGAIN_SECONDS)
        return None

    async def _read_lists(self, of: TenantCallers, dice: random.Random) -> None:
        self._note(of, await of.anyone(dice).newest())
        listed = {workflow["key"]: workflow["id"] for workflow in await of.a_rest(dice).workflows()}
        if listed != of.tenant.workflows:
            self.wrong.append(f"{of.tenant.name} has the workflows {of.tenant.workflows}, its list {listed}")
        self.lists += 2

    async def _read_all(self, of: TenantCallers, dice: random.Random) -> None:
        await self._read_lists(of, dice)
        cursor: str | None = ""
        while cursor is not None:
            listed, cursor = await of.a_rest(dice).page(PAGE, cursor)
            self._note(of, listed)
            self.lists += 1

    def _note(self, of: TenantCallers, listed: Sequence[Listed]) -> None:
        name = of.tenant.name
        for execution_id, workflow_id in listed:
            if workflow_id not in of.tenant.workflows.values():
                self.wrong.append(f"{execution_id} of the workflow {workflow_id} is in a list of {name}")
            if others := [other for other, seen in self.seen.items() if other != name and execution_id in seen]:
                self.wrong.append(f"{execution_id} is in a list of {name}, and was in one of {', '.join(others)}")
            if execution_id not in self.seen[name]:
                self.seen[name].add(execution_id)
                self._newest[name].append(execution_id)

    def _chances(self, other: TenantCallers) -> Sequence[tuple[Mapping[str, Try], Sequence[str]]]:
        """What can be tried, and with which ids of the other one."""
        workflows = [str(number) for number in other.tenant.workflows.values()]
        executions = list(self._newest[other.tenant.name])
        at_executions = [(TRIES_AT_EXECUTIONS, executions)] * 2 if executions else []
        return [*at_executions, (TRIES_AT_WORKFLOWS, workflows)]

    async def _try(
        self, of: TenantCallers, other: TenantCallers, name: str, attempt: Try, wanted: str, dice: random.Random
    ) -> None:
        what = f"{of.tenant.name} tried {name} at {wanted} of {other.tenant.name}"
        try:
            await attempt(of, dice, wanted)
        except Absent:
            self.refused[name] += 1
        except (Ended, Wrong) as error:
            self.wrong.append(f"{what}, and was answered {error!r}")
        else:
            self.wrong.append(f"{what}, and it was done")
