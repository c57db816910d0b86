"""The executions that this engine runs, and how many more it has room for."""

from collections.abc import Callable, Iterator
from uuid import UUID

from app.domain.executions import Execution
from app.engine.deciding.state import ExecutionState
from app.engine.running.collaborators import Collaborators
from app.engine.running.limits import Limits
from app.engine.running.places import Places
from app.engine.running.run import Run


class HeldRuns:
    """At most `places.most`, by the id of the execution, and those that only wait for their children.

    - accepting: false before the engine has started and once it stops; then no run is added
    - reserved: places that are kept for a claim that is on its way
    """

    def __init__(self, places: Places, shared: Collaborators, limits: Limits, on_gone: Callable[[Run], None]) -> None:
        self._places = places
        self._shared = shared
        self._limits = limits
        self._on_gone = on_gone
        self._runs: dict[UUID, Run] = {}
        self.accepting = False
        self.reserved = 0

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        """Those of this moment; they may be removed meanwhile."""
        return iter(list(self._runs.values()))

    def ids(self) -> frozenset[UUID]:
        return frozenset(self._runs)

    @property
    def room(self) -> int:
        """For so many runs more. One that waits for children leaves its place to these."""
        return self._places.most + self._places.given_away - len(self._runs) - self.reserved

    def get(self, execution_id: UUID) -> Run | None:
        return self._runs.get(execution_id)

    def new_run(self, execution: Execution, state: ExecutionState) -> Run:
        """A run of the execution; it is held once it is added."""
        return Run(execution, state, self._shared, self._limits, self._places, self._on_gone)

    def add(self, run: Run) -> None:
        self._runs[run.id] = run

    def remove(self, run: Run) -> bool:
        """Return true when there may be room again where there was none."""
        if self._runs.get(run.id) is not run:
            # It was lost, and the execution has been claimed again since: another run has its place.
            return False
        del self._runs[run.id]
        return self.room <= 1

    def drop_all(self) -> None:
        """Stop all work at once; what was not recorded is for the next owner to do again."""
        for run in self:
            run.abandon()
