"""How the engine of one process is set up."""

from dataclasses import dataclass

from app.domain.engines import EngineProfile


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The settings that these come from check the relations between them.

    - profile: shown in the engine's row
    - max_executions: how many executions work at the same time; see `places.py`
    - lease_seconds: how long its lease lasts without a renewal
    - renew_seconds: how often it renews its lease
    - poll_seconds: how often it looks for work and commands when nothing wakes it up
    """

    profile: EngineProfile
    max_executions: int = 1_000
    lease_seconds: float = 10.0
    renew_seconds: float = 2.0
    poll_seconds: float = 0.5
