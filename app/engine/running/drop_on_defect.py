"""What happens when the code of a run raises an exception that nothing expects."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)


class Droppable(Protocol):
    @property
    def id(self) -> UUID: ...

    def abandon(self) -> None: ...


Owner = TypeVar("Owner", bound=Droppable)
P = ParamSpec("P")


def drop_on_defect(method: Callable[Concatenate[Owner, P], None]) -> Callable[Concatenate[Owner, P], None]:
    """For each way into a run: log the exception, drop the run, and let the caller continue.

    The callers are the recorder, timers and handlers, which other executions need too. And a run that has missed an
    outcome would wait without end; dropped, it is an orphan, which is given back and continued from its history.
    """

    @wraps(method)
    def call(run: Owner, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(run, *args, **kwargs)
        except Exception:
            log.exception("run_dropped", execution_id=str(run.id))
            run.abandon()

    return call
