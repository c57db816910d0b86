"""Checks values that callers send, before they are taken."""

from collections.abc import Sequence

from app.contracts.contract import Contract
from app.domain.errors import Problem, Unavailable
from app.domain.payloads import Payload
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.ports import EvaluatorError


async def checked_input(
    evaluations: Evaluations, contract: Contract | None, value: Payload, group: Group, path: str = "input"
) -> Sequence[Problem]:
    """Where the value breaks its schema, with the paths. Raise `Unavailable` when it cannot be checked now."""
    if contract is None:
        return ()
    try:
        return await evaluations.problems(contract, value, path, group)
    except EvaluatorError as error:
        raise Unavailable(f"the {path} cannot be checked now: {error}") from None
