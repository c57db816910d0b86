"""The executions that a step starts: their workflows, inputs and idempotency keys, before anything is stored."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from app.domain.errors import Invalid, NotFound, TooLarge
from app.domain.executions import ENTITY_KEYS
from app.domain.payloads import Payloads
from app.domain.refs import parse_ref
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.identifiers import new_execution_id
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import Opening
from app.expressions.errors import EvaluationError
from app.machines.conditions import EntityMeter
from app.machines.deciding import Started, Step, with_executions
from app.machines.entity import Entity
from app.machines.ports import Effect
from app.machines.refusals import EffectFailed
from app.machines.rules import input_template

VIA_ENTITY = "entity"


class Effects:
    """Prepares executions.

    plans: the compiled workflows.
    evaluations: checks inputs.
    payloads: makes inputs.
    new_id: makes the ids of executions.
    """

    def __init__(
        self,
        plans: Plans,
        evaluations: Evaluations,
        payloads: Payloads,
        new_id: Callable[[], UUID] = new_execution_id,
    ) -> None:
        self._plans = plans
        self._evaluations = evaluations
        self._payloads = payloads
        self._new_id = new_id

    async def of(self, step: Step) -> tuple[Step, Sequence[Effect]]:
        """The step with an event for each execution that it starts, and these executions. Raise `EffectFailed`."""
        if not step.started:
            return step, ()
        effects = [await self._effect(step, one) for one in step.started]
        pairs = [(one, effect.id) for one, effect in zip(step.started, effects, strict=True)]
        return with_executions(step, pairs), effects

    async def _effect(self, step: Step, one: Started) -> Effect:
        entity, run = step.entity, one.run
        try:
            plan = await self._plan(entity.tenant_id, run.workflow)
            payload = self._payloads.from_value(self._input(step, one), "input")
        except (NotFound, Invalid, TooLarge) as error:
            raise EffectFailed(one.effect, run.workflow, error.message) from None
        group = Group(entity.tenant_id, plan.workflow_id)
        if problems := await checked_input(self._evaluations, plan.input, payload, group):
            raise EffectFailed(one.effect, run.workflow, Invalid(problems).message)
        key = f"{ENTITY_KEYS}{entity.id}:{entity.sequence}:{one.effect}"
        opening = Opening(
            plan.workflow_id,
            plan.revision,
            payload,
            entity.updated_at,
            key,
            created_data=created_data(entity),
            started_by=step.events[0].actor,
        )
        return Effect(self._new_id(), opening, run.on_completed, run.on_failed)

    async def _plan(self, tenant_id: int, workflow: str) -> Plan:
        ref = parse_ref(workflow, tenant_id)
        current = await self._plans.current(ref)
        plan = None if current is None else await self._plans.get(tenant_id, *current)
        if plan is None:
            raise NotFound("workflow", workflow)
        return plan

    def _input(self, step: Step, one: Started) -> Any:
        try:
            return input_template(one.run).fill(step.scope, EntityMeter())
        except EvaluationError as error:
            raise EffectFailed(one.effect, one.run.workflow, str(error)) from None


def created_data(entity: Entity) -> str:
    """The data of the first event of an execution that an entity starts."""
    return orjson.dumps({"via": VIA_ENTITY, "entity_id": str(entity.id)}).decode()
