"""How an attempt can end."""

from dataclasses import dataclass

from app.domain.handlers import TaskError


@dataclass(slots=True)
class Succeeded:
    """`output` is JSON text; None stands for `null`."""

    output: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    error: TaskError


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt ended because it was told to; or it did not for so many seconds, and was given up."""

    given_up_after: float | None = None


Outcome = Succeeded | Failed | Stopped
