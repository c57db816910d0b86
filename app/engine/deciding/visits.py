"""How an execution that follows conditions stands: which tasks it has visited, and whose turn is next. Pure."""

from app.domain.executions import Failure
from app.domain.routing import Route
from app.domain.states import TaskStatus

TOO_MANY_VISITS = "too_many_visits"


class Visits:
    """`counts` are the visits by task; `ended` says how the latest one of each has ended; `last_output` is that of
    the last task that completed, as JSON text.
    """

    __slots__ = ("_route", "counts", "ended", "last_output")

    def __init__(self, route: Route) -> None:
        self._route = route
        self.counts: dict[int, int] = {}
        self.ended: dict[int, TaskStatus] = {}
        self.last_output: str | None = None

    def begin(self, index: int) -> None:
        self.counts[index] = self.counts.get(index, 0) + 1

    def end(self, index: int, status: TaskStatus, output: str | None) -> int | None:
        """Whose turn is next; None where the execution ends here."""
        self.ended[index] = status
        if status is TaskStatus.COMPLETED:
            self.last_output = output
        if status is TaskStatus.CANCELLED:
            return None
        return self._route.next_task(index, failed=status is TaskStatus.FAILED)

    def refusal(self, index: int, name: str) -> Failure | None:
        """Why task `index` may not be visited once more."""
        limit = self._route.max_visits
        if self.counts.get(index, 0) < limit:
            return None
        times = "once" if limit == 1 else f"{limit} times"
        message = f"task {name!r} has run {times}, which is the limit (max_visits)"
        return Failure(TOO_MANY_VISITS, message)
