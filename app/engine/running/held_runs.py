"""The executions that this engine runs."""

from collections.abc import Callable, Iterator
from uuid import UUID

from app.domain.executions import Execution
from app.engine.deciding.state import ExecutionState
from app.engine.running.collaborators import Collaborators
from app.engine.running.limits import Limits
from app.engine.running.places import Places
from app.engine.running.run import Run


class HeldRuns:
    """By the id of the execution.

    - places: how many there may be
    - accepting: false before the engine has started and once it stops; then no run is added
    """

    def __init__(self, places: Places, shared: Collaborators, limits: Limits, on_gone: Callable[[Run], None]) -> None:
        self.places = places
        self._shared = shared
        self._limits = limits
        self._on_gone = on_gone
        self._runs: dict[UUID, Run] = {}
        self.accepting = False

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        """Those of this moment; they may be removed meanwhile."""
        return iter(list(self._runs.values()))

    def ids(self) -> frozenset[UUID]:
        return frozenset(self._runs)

    def get(self, execution_id: UUID) -> Run | None:
        return self._runs.get(execution_id)

    def new_run(self, execution: Execution, state: ExecutionState) -> Run:
        """A run of the execution; it is held once it is added."""
        return Run(execution, state, self._shared, self._limits, self.places, self._on_gone)

    def add(self, run: Run) -> None:
        self._runs[run.id] = run

    def remove(self, run: Run) -> None:
        """Do nothing for a run that was lost, if the execution has been claimed again since: another run has its id."""
        if self._runs.get(run.id) is run:
            del self._runs[run.id]

    def drop_all(self) -> None:
        """Stop all work at once; what was not recorded is for the next owner to do again."""
        for run in self:
            run.abandon()
