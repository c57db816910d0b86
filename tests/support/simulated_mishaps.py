"""What happens to processes while the chaos lasts, and the supervisor that starts them again."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from app.definitions.edits import merged
from tests.support.acts import act_of
from tests.support.requests import ref_of
from tests.support.simulated_network import Sky
from tests.support.simulated_process import LEASE, ProcessDied, SimulatedProcess, World
from tests.support.simulated_workload import Scenario

MOST_STEPS_TO_GO = 40


class Patient(World, Sky, Protocol):
    """What the mishaps need of the simulation."""

    processes: list[SimulatedProcess]

    async def launch(self, *, has_engine: bool) -> None: ...
    def send(self, client: Coroutine[Any, Any, None]) -> None: ...
    def soon(self, callback: Callable[[], None]) -> Callable[[], None]: ...


class Mishaps:
    def __init__(self, patient: Patient, scenario: Scenario) -> None:
        self._patient = patient
        self._scenario = scenario
        self._chance = patient.chance
        self._over = False

    async def befall(self) -> None:
        """At random moments until the chaos is over, then everything heals."""
        scenario = self._scenario
        moments = sorted(self._chance.random() * scenario.chaos_seconds for _ in range(scenario.calamities))
        before = 0.0
        for moment in moments:
            await asyncio.sleep(moment - before)
            before = moment
            self._strike()
        await asyncio.sleep(scenario.chaos_seconds - before)
        self._heal()

    def _strike(self) -> None:
        victims = [process for process in self._patient.processes if process.is_ready]
        if self._scenario.mishaps and victims:
            victim, mishap = self._chance.choice(victims), self._chance.choice(self._scenario.mishaps)
            self._patient.note(f"{mishap} {victim.name}")
            getattr(self, f"_{mishap.replace(' ', '_')}")(victim)

    def _heal(self) -> None:
        self._patient.note("all heals")
        self._over = True
        for process in self._patient.processes:
            process.wire.cut = False
            process.thaw()

    # Mishaps

    def _kill(self, victim: SimulatedProcess) -> None:
        victim.kill()
        self._restart(victim)

    def _kill_between_steps(self, victim: SimulatedProcess) -> None:
        victim.place.after_steps(self._steps(), self._patient.soon(partial(self._kill_if_alive, victim)))

    def _kill_if_alive(self, victim: SimulatedProcess) -> None:
        if victim.is_ready and not self._over:
            self._patient.note(f"dies {victim.name}")
            self._kill(victim)

    def _freeze(self, victim: SimulatedProcess) -> None:
        if not self._over:
            victim.freeze()
            self._later(victim.thaw)

    def _freeze_between_steps(self, victim: SimulatedProcess) -> None:
        victim.place.after_steps(self._steps(), self._patient.soon(partial(self._freeze, victim)))

    def _cut(self, victim: SimulatedProcess) -> None:
        victim.wire.cut, victim.wire.silence = True, self._chance.choice([0.0, 0.5, 1.0])

        def mend() -> None:
            victim.wire.cut = False

        self._later(mend)

    def _stop(self, victim: SimulatedProcess) -> None:
        self._patient.send(self._stop_in_order(victim))

    async def _stop_in_order(self, victim: SimulatedProcess) -> None:
        victim.is_ready = False
        try:
            await victim.ask(lambda: victim.end(self._chance.choice([0.0, 1.0])))
        except ProcessDied:
            return
        self._restart(victim)

    def _skew(self, victim: SimulatedProcess) -> None:
        victim.clock.off = (2 * self._chance.random() - 1) * self._scenario.largest_skew

    def _edit(self, _: SimulatedProcess) -> None:
        """A new revision: starts that have read the one before must notice."""
        self._patient.send(self._change_definition())

    async def _change_definition(self) -> None:
        text, tenant_id = str(self._chance.random()), self._chance.choice(self._scenario.tenants)
        await self._patient.database.definitions.change(
            act_of(tenant_id), ref_of("w0", tenant_id), lambda now: merged(now, {"description": text})
        )

    def _steps(self) -> int:
        return self._chance.randint(1, MOST_STEPS_TO_GO)

    def _restart(self, victim: SimulatedProcess) -> None:
        async def start() -> None:
            await asyncio.sleep(0.0 if self._over else self._chance.random() * 4)
            await self._patient.launch(has_engine=victim.has_engine)

        self._patient.send(start())

    def _later(self, cure: Callable[[], None]) -> None:
        """Short, or so long that the lease ends meanwhile."""
        seconds = self._chance.random() * self._chance.choice([0.5, LEASE, 3 * LEASE])
        loop = self._patient.loop
        loop.call_later(seconds, cure, context=loop.world.context)
