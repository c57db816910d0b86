"""How much an execution may take, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The same for all executions of an engine. The settings that these come from check their ranges.

    - max_output_bytes: of the JSON text of an output; a task's that is longer fails it, an execution's is left out
    - max_events: an execution that has so many fails
    - max_lost_attempts: a task fails when so many of its attempts have ended with their engine
    - cancel_grace_seconds: an attempt that has not stopped so long after it was told to is given up
    - park_after_seconds: an execution that only waits, and for longer than this, is left to the database
    - max_depth: a task of an execution with so many above it starts no child
    - max_descendants: nor does a task in a family that has so many executions below its root
    """

    max_output_bytes: int
    max_events: int = 50_000
    max_lost_attempts: int = 5
    cancel_grace_seconds: float = 10.0
    park_after_seconds: float = 5.0
    max_depth: int = 10
    max_descendants: int = 10_000
