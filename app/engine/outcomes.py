"""How an attempt can end."""

from dataclasses import dataclass

from app.domain.handlers import TaskError


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`output` is JSON text; None stands for `null`."""

    output: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    error: TaskError


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt ended because it was told to."""


Outcome = Succeeded | Failed | Stopped
