"""What all executions of an engine share."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from app.engine.ports import Clock, NoSecrets, Secrets
from app.engine.running.attempts import Attempts
from app.engine.running.recorder import Recorder
from app.engine.watching.watchers import Hub


@dataclass(frozen=True, slots=True)
class Tools:
    """`chance` gives numbers from 0 to 1. An execution fails when it has `max_events`, a task when `max_lost_attempts`
    of it ended with their engine. An attempt that does not stop is given up after `cancel_grace_seconds`.
    """

    recorder: Recorder
    attempts: Attempts
    hub: Hub
    clock: Clock
    max_output_bytes: int
    chance: Callable[[], float] = random.random
    park_after_seconds: float = 5.0
    cancel_grace_seconds: float = 10.0
    max_events: int = 50_000
    max_lost_attempts: int = 20
    secrets: Secrets = field(default_factory=NoSecrets)
