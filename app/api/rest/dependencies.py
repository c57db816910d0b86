"""What FastAPI passes to the routes: the services, and the parameters that several routes have."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import PlainValidator

from app.api.dashboard.assets import Assets
from app.api.dashboard.serving import Dashboard
from app.api.rest.examples import EXECUTION_ID
from app.api.rest.gate import CALLER, sender_of
from app.api.rest.live_streams import LiveStreams
from app.api.rest.request_ids import request_id
from app.api.rest.sockets import Sockets
from app.api.rest.web_rules import WebRules
from app.audit.reading import AuditService
from app.definitions.service import DefinitionService
from app.domain.callers import Caller, RequestOrigin
from app.domain.payloads import Payloads
from app.engine.controls import ExecutionControls
from app.engine.dry_run import DryRunner
from app.engine.fleet.service import FleetService
from app.engine.identifiers import parse_execution_id
from app.engine.overview.service import OverviewService
from app.engine.service import ExecutionService
from app.engine.triggering.service import TriggerService
from app.feed.service import FeedService
from app.identity.identity import Identity
from app.insights.service import SuggestionService
from app.kafka.topics import Topics
from app.machines.entities import EntityService
from app.machines.machines import Machines
from app.machines.service import MachineService
from app.schedules.service import ScheduleService

MAX_LIMIT = 200
MAX_SKIP = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Services:
    """What the process provides to this API.

    definitions: stores and reads workflows.
    executions: starts, reads and watches executions.
    overviews: reads executions for pages that people look at.
    triggers: triggers executions, and finds them by their run ids.
    controls: cancels, pauses, resumes, signals and repeats executions.
    feed: reads and follows all events of a tenant.
    schedules: stores and reads schedules.
    dry_runs: simulates executions.
    payloads: checks and parses the JSON of callers.
    identity: decides who calls, and may they; manages keys and tenants.
    audit: reads the audit log.
    machines: stores machines, and moves the entities that they govern.
    fleet: shows engines, and the tasks of many executions.
    suggestions: reads and decides suggestions.
    sockets: serves the connections of WebSocket.
    ready: returns the reasons why the process cannot serve requests; empty when it can.
    max_body_bytes: the largest size of a request's body.
    web_rules: from which names and pages requests are accepted.
    streams: the streams of server-sent events, which end before the process does.
    kafka_topics: the names of the topics of Kafka.
    dashboard: the pages for people.
    """

    definitions: DefinitionService
    executions: ExecutionService
    overviews: OverviewService
    triggers: TriggerService
    controls: ExecutionControls
    feed: FeedService
    schedules: ScheduleService
    dry_runs: DryRunner
    payloads: Payloads
    identity: Identity
    audit: AuditService
    machines: Machines
    fleet: FleetService
    suggestions: SuggestionService
    sockets: Sockets
    ready: Callable[[], Awaitable[list[str]]]
    max_body_bytes: int = 1_048_576
    web_rules: WebRules = field(default_factory=WebRules)
    streams: LiveStreams = field(default_factory=LiveStreams)
    kafka_topics: Topics = field(default_factory=Topics)
    dashboard: Dashboard = field(default_factory=lambda: Dashboard(Assets()))


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _caller(request: Request) -> Caller:
    """The caller, whom the gate has put there. Open operations have none and must not ask."""
    caller: Caller = request.scope[CALLER]
    return caller


async def _changer(request: Request) -> Caller:
    """The caller of an operation that is audited."""
    addresses = (await _services(request)).identity.addresses
    origin = RequestOrigin(request_id(request.scope), addresses.client(sender_of(request.scope)))
    return replace(await _caller(request), request=origin)


async def _definitions(request: Request) -> DefinitionService:
    return (await _services(request)).definitions


async def _executions(request: Request) -> ExecutionService:
    return (await _services(request)).executions


async def _overviews(request: Request) -> OverviewService:
    return (await _services(request)).overviews


async def _controls(request: Request) -> ExecutionControls:
    return (await _services(request)).controls


async def _schedules(request: Request) -> ScheduleService:
    return (await _services(request)).schedules


async def _dry_runs(request: Request) -> DryRunner:
    return (await _services(request)).dry_runs


async def _suggestions(request: Request) -> SuggestionService:
    return (await _services(request)).suggestions


async def _machines(request: Request) -> MachineService:
    return (await _services(request)).machines.definitions


async def _fleet(request: Request) -> FleetService:
    return (await _services(request)).fleet


async def _entities(request: Request) -> EntityService:
    return (await _services(request)).machines.entities


def caller_of(request: Request) -> Caller:
    """As `definitions_of`."""
    caller: Caller = request.scope[CALLER]
    return caller


def definitions_of(request: Request) -> DefinitionService:
    """For routes that are called often and do little: taking the service from the request costs less than a
    dependency.
    """
    services: Services = request.app.state.services
    return services.definitions


def entities_of(request: Request) -> EntityService:
    """As `definitions_of`."""
    services: Services = request.app.state.services
    return services.machines.entities


CallerOfRequest = Annotated[Caller, Depends(_caller)]
Changer = Annotated[Caller, Depends(_changer)]
"""As `CallerOfRequest`, with the request: for operations that are audited."""
ReadyServices = Annotated[Services, Depends(_services)]
Definitions = Annotated[DefinitionService, Depends(_definitions)]
Executions = Annotated[ExecutionService, Depends(_executions)]
Overviews = Annotated[OverviewService, Depends(_overviews)]
Controls = Annotated[ExecutionControls, Depends(_controls)]
DryRuns = Annotated[DryRunner, Depends(_dry_runs)]
Schedules = Annotated[ScheduleService, Depends(_schedules)]
MachineDefinitions = Annotated[MachineService, Depends(_machines)]
Fleet = Annotated[FleetService, Depends(_fleet)]
Suggestions = Annotated[SuggestionService, Depends(_suggestions)]
Entities = Annotated[EntityService, Depends(_entities)]

WorkflowInPath = Annotated[str, Path(description="The workflow's id or key.", examples=["nightly-report"])]
TaskId = Annotated[int, Path(description="The task's id.", examples=[12])]
ExecutionId = Annotated[
    UUID,
    PlainValidator(parse_execution_id, json_schema_input_type=str),
    Path(description="The execution's id, a UUID.", examples=[EXECUTION_ID]),
]
Strict = Annotated[bool, Query(description="Refuse with 422 what would only be a warning.")]
Skip = Annotated[int, Query(ge=0, le=MAX_SKIP, description="How many items to skip.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The largest number of items to return.")]
