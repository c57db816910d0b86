"""Signals that have come and that no task has taken yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.contracts.contract import Contract


@dataclass(slots=True)
class KeptSignal:
    """One signal.

    - payload: JSON text
    - misfits: bit i is set once the payload was found to break the output schema of task i
    """

    payload: str
    misfits: int = 0


def oldest_for(kept: Sequence[KeptSignal], index: int, contract: Contract | None) -> KeptSignal | None:
    """The oldest signal that task `index` may complete with; None when each breaks `contract`, its output schema.

    One that does not fit this task stays for another task that waits for the same name.
    """
    for signal in kept:
        if not signal.misfits >> index & 1:
            if contract is None or not contract.problems_of_text(signal.payload, ""):
                return signal
            # Remembered, because this is asked again at every step while the task waits.
            signal.misfits |= 1 << index
    return None
