"""Claims executions that are due, and gives back those that belong to this engine in the database only."""

import asyncio
from collections.abc import Sequence
from functools import partial
from math import ceil

import structlog

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.engine.deciding.state import ExecutionState
from app.engine.folding import folded
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import ControlCommand, StoreUnreachable
from app.engine.running.command_delivery import CommandDelivery
from app.engine.running.held_runs import HeldRuns
from app.engine.running.lease import Lease
from app.engine.running.options import EngineOptions
from app.engine.running.ports import Claim, Ownership
from app.engine.running.recorder import Recorder

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 100
LEAST_ROOM = 0.25
"""While less than this part of the places is free, claims are divided."""

LONGEST_RETRY_SECONDS = 2.0
REST = 2.0
"""Claims take a third of the time at most. A family that grows or ends wakes the engine up all the time."""

ORPHAN_PAUSE_SECONDS = 10.0
"""How long an execution that this engine could not continue is left alone before any engine tries again."""


class Claiming:
    """Gives the free places to executions that are due.

    While many places are free, those come first that are due for longest. When few are, and after a claim that took
    all that it could, a claim is divided among tenants, and what a tenant gets among its workflows. So is every claim
    while tenants are limited in how many of their executions run at once.

    An orphan is an execution that the database says is this engine's, but that this engine does not run: its claim was
    not acknowledged, it could not be continued, or its run was dropped. No other engine takes it while this one renews
    its lease, so this one has to give it back.
    """

    def __init__(
        self,
        ownership: Ownership,
        plans: Plans,
        commands: CommandDelivery,
        held: HeldRuns,
        lease: Lease,
        recorder: Recorder,
        options: EngineOptions,
    ) -> None:
        self._ownership = ownership
        self._plans = plans
        self._commands = commands
        self._held = held
        self._places = held.places
        self._lease = lease
        self._recorder = recorder
        self._options = options
        self._work = WakeUp()
        self._orphans_expected = False
        self._look_for_orphans_at = 0.0
        self._divides = False
        backoff = Backoff(options.poll_seconds, max(options.poll_seconds, LONGEST_RETRY_SECONDS), jitter=0)
        pause = partial(self._work.wait, options.poll_seconds)
        self._loop = Loop("claims", self._claim_some, pause, backoff=backoff, rest=REST)

    def start(self, on_defect: OnDefect) -> None:
        """Begin. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()

    def wake(self) -> None:
        """There may be work, or room for it."""
        self._work.wake()

    def expect_orphans(self) -> None:
        """Look for orphans before the next claim."""
        self._orphans_expected = True

    async def _claim_some(self) -> bool:
        """Claim and continue what is due; return true when more may be due. Raise `StoreUnreachable`."""
        engine_id = self._lease.engine_id
        if engine_id is None:
            return False
        try:
            await self._give_back_orphans(engine_id)
            await self._recorder.wait_for_room()
            if self._lease.engine_id is None or not self._held.accepting:
                return False
            if self._places.room <= 0:
                self._places.note_waiting(everyone=True)
                return False
            claims, may_be_more = await self._claim(engine_id)
            commands = await self._commands.waiting(engine_id) if claims else ()
            for claim in claims:
                await self._resume(claim, [c for c in commands if c.execution_id == claim.execution.id], engine_id)
        except StoreUnreachable:
            self.expect_orphans()
            raise
        finally:
            self._places.reserved = 0
        return may_be_more

    async def _claim(self, engine_id: int) -> tuple[Sequence[Claim], bool]:
        """Claim what there is room for; also return whether more can be claimed."""
        places = self._places
        if self._divides or places.are_limited or places.room < ceil(places.working.size * LEAST_ROOM):
            return await self._claim_divided(engine_id)
        self._reserve()
        claims = await self._ownership.claim(engine_id, places.reserved)
        self._divides = len(claims) >= places.reserved
        places.note_waiting(self._divides)
        return claims, self._divides

    def _reserve(self) -> None:
        """Starts may take places while the claim is on its way: half of them, since claims may follow each other."""
        self._places.reserved = min(ceil(self._places.room / 2), CLAIMED_AT_ONCE)

    async def _claim_divided(self, engine_id: int) -> tuple[Sequence[Claim], bool]:
        places, shares = self._places, self._places.shares()
        self._reserve()
        found = await self._ownership.claim_divided(engine_id, places.reserved, shares)
        # Nothing is known of those of which nothing was asked for.
        waiting, tenants = found.waiting | shares.refused_workflows, shares.refused_tenants
        self._divides = bool(waiting or tenants)
        places.note_waiting(False, waiting, tenants)
        return found.claims, bool(found.claims) and bool(found.waiting)

    async def _resume(self, claim: Claim, commands: Sequence[ControlCommand], engine_id: int) -> None:
        execution = claim.execution
        try:
            plan = await self._plans.get(execution.tenant_id, execution.workflow_id, execution.revision)
            state = await _state(plan, claim)
            if self._lease.engine_id != engine_id or not self._held.accepting:
                return
            run = self._held.new_run(execution, state)
        except StoreUnreachable:
            raise
        except Exception:
            log.exception("execution_cannot_be_continued", execution_id=str(execution.id))
            self.expect_orphans()
        else:
            self._held.add(run)
            run.resume(commands)

    async def _give_back_orphans(self, engine_id: int) -> None:
        """Free the orphans, where some are expected.

        Also looks once in a lease's time without being asked: a claim that was given up as failed may still take
        effect in the database later, after this engine has looked.
        """
        now = asyncio.get_running_loop().time()
        if not self._orphans_expected and now < self._look_for_orphans_at:
            return
        self._orphans_expected = False
        self._look_for_orphans_at = now + self._options.lease_seconds
        # An orphan is held neither before the question nor after: an execution may be opened meanwhile, or may end.
        held_before = self._held.ids()
        owned = await self._ownership.owned(engine_id)
        held = held_before | self._held.ids()
        orphans = [execution_id for execution_id in owned if execution_id not in held]
        if orphans:
            log.warning("orphans_given_back", executions=len(orphans), for_seconds=ORPHAN_PAUSE_SECONDS)
            await self._ownership.give_back(engine_id, orphans, ORPHAN_PAUSE_SECONDS)


async def _state(plan: Plan | None, claim: Claim) -> ExecutionState:
    if plan is None:
        raise LookupError(f"workflow {claim.execution.workflow_id} has no revision {claim.execution.revision}")
    return await folded(plan, claim.events)
