"""How an attempt can end."""

from dataclasses import dataclass

from app.domain.handlers import TaskError


@dataclass(slots=True)
class Succeeded:
    """- output: JSON text; None stands for `null`"""

    output: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    error: TaskError


@dataclass(frozen=True, slots=True)
class Stopped:
    """The attempt was cancelled.

    - given_up_after: for so many seconds it did not stop, and was given up; None when it stopped
    """

    given_up_after: float | None = None


Outcome = Succeeded | Failed | Stopped
