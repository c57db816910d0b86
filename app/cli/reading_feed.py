"""`workflow events`: the events of all executions and entities, those that are kept or those to come."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.errors import INTERRUPTED
from app.cli.names import PATIENCE_SECONDS, WorkflowNames
from app.cli.refused_names import near_keys
from app.cli.running import elsewhere
from app.cli.screen.console import Output, failures, results
from app.cli.screen.drawing import message_line
from app.cli.screen.times import Times
from app.cli.targets import Services
from app.client.entries import EntityEntry, FeedEntry, feed_entry_of
from app.client.errors import ClientError
from app.client.feed_follower import FeedFollower
from app.client.grpc_client import GrpcClient
from app.client.rest_client import RestClient
from app.domain.documents import rfc3339

LARGEST_PAGE = 1_000
SHOWN_DIGITS = 12
"""The last digits of an execution's id: enough for every command, and different for all practical purposes."""


class Lines(Protocol):
    """Shows events."""

    def show(self, found: FeedEntry) -> None: ...


class JsonLines:
    """One JSON object per event, with all its fields."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, found: FeedEntry) -> None:
        self._output.json_line(found.document())


class PlainLines:
    """A line per event: position, time, workflow or machine, the end of the id of the execution or entity, its number
    there, what happened.
    """

    def __init__(self, output: Output, service: RestClient, times: Times) -> None:
        self._output = output
        self._service = service
        self._times = times
        self._names: WorkflowNames | None = None

    def show(self, found: FeedEntry) -> None:
        entry = found.entry
        occurred = self._times.brief(rfc3339(entry.occurred_at))
        if isinstance(entry, EntityEntry):
            place, told = f"machine {entry.machine_id}  {entry.entity_id[-SHOWN_DIGITS:]}", entry.message
        else:
            self._names = self._names or WorkflowNames(self._service if self._is_same(entry.execution_id) else None)
            place = f"{self._names.of(entry.workflow_id)}  {entry.execution_id[-SHOWN_DIGITS:]}"
            told = message_line(entry.task_name, entry.message)
        self._output.say(f"{found.position:>6}  {occurred}  {place} #{entry.sequence}  {told}")

    def _is_same(self, execution_id: str) -> bool:
        """Whether the REST API is that of the same service."""
        try:
            return bool(self._service.execution(execution_id))
        except ClientError:
            return False


def print_events(services: Services, wanted: pb.WatchEventsRequest, times: Times, *, as_json: bool) -> None:
    """Print what is kept behind the position of the request."""
    after = wanted.after_position if wanted.HasField("after_position") else None
    request = pb.ListEventsRequest(
        after_position=after,
        workflow_id=wanted.workflow_id,
        types=wanted.types,
        include_output=wanted.include_output,
        machine_id=wanted.machine_id,
        entity_id=wanted.entity_id,
        limit=LARGEST_PAGE,
    )
    with GrpcClient(services.grpc) as client, near_keys(services.rest), _lines(services, times, as_json) as lines:
        for event in client.events(request):
            lines.show(feed_entry_of(event))


def follow_events(services: Services, request: pb.WatchEventsRequest, times: Times, *, as_json: bool) -> int:
    """Print events as they are stored, until the command is interrupted; return the exit code."""
    with GrpcClient(services.grpc) as client, near_keys(services.rest), _lines(services, times, as_json) as lines:
        follower = FeedFollower(client, request)
        try:
            for found in follower.entries(failures().say):
                lines.show(found)
        except KeyboardInterrupt:
            failures().say(_how_to_continue(follower.last, services.grpc))
        return INTERRUPTED


@contextmanager
def _lines(services: Services, times: Times, as_json: bool) -> Iterator[Lines]:
    if as_json:
        yield JsonLines(results())
        return
    with RestClient(services.rest, PATIENCE_SECONDS) as service:
        yield PlainLines(results(), service, times)


def _how_to_continue(last: int | None, target: str) -> str:
    if last is None:
        return "interrupted before the service answered"
    words = ("workflow events --follow", f"--after {last}", *elsewhere(target))
    return f"interrupted; continue with the same filters and: {' '.join(words)}"
