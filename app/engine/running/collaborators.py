"""What all executions of an engine work with."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from app.engine.evaluating.evaluations import Evaluations
from app.engine.ports import Clock, NoSecrets, Secrets
from app.engine.running.attempts import Attempts
from app.engine.running.child_openings import ChildOpenings
from app.engine.running.recorder import Recorder
from app.engine.running.suspects import Suspects
from app.engine.watching.watchers import Hub


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Shared by all executions of one engine.

    - recorder: writes their histories
    - attempts: calls the handlers of their tasks
    - hub: hands their committed events to watchers
    - evaluations: evaluates their expressions, and checks outputs
    - clock: says what time events happen at, and when tasks are due
    - openings: prepares the children that tasks start
    - secrets: the values of the secrets that tasks name, of all tenants
    - chance: returns numbers from 0 to 1, which spread retries
    - suspects: makes the attempts that may be what stops engines one at a time
    """

    recorder: Recorder
    attempts: Attempts
    hub: Hub
    evaluations: Evaluations
    clock: Clock
    openings: ChildOpenings
    secrets: Secrets = field(default_factory=NoSecrets)
    chance: Callable[[], float] = random.random
    suspects: Suspects = field(default_factory=Suspects)
