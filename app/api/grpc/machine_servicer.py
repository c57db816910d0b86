"""`workflow.MachineService`: converts requests, calls the use case of machines, converts the results."""

from contextlib import aclosing

from app.api.grpc.entity_messages import (
    answer_of,
    entities_message,
    entity_message,
    object_of,
    possible_message,
    start_of,
    transition_of,
    update_bytes,
)
from app.api.grpc.errors import unary
from app.api.grpc.generated import machine_pb2 as pb
from app.api.grpc.requests import checked_page_size
from app.api.grpc.streams import Messages, stream_of_bytes
from app.domain.callers import Caller
from app.domain.errors import Invalid
from app.domain.refs import parse_ref
from app.engine.identifiers import parse_execution_id
from app.machines.deciding import TransitionRequest
from app.machines.machines import Machines
from app.machines.ports import EntityFilter
from app.machines.watching import Updates


class MachineServicer:
    """Carries out the calls of the gRPC API that are about machines. Each method has a further argument, the caller.

    machines: the use case.
    max_message_bytes: the largest size of a response.
    """

    def __init__(self, machines: Machines, max_message_bytes: int = 4_194_304) -> None:
        self._machines = machines
        self._entities = machines.entities
        self._max_message_bytes = max_message_bytes

    @unary
    async def Start(self, request: pb.StartRequest, caller: Caller) -> pb.StartResponse:
        actor = self._entities.actor(caller, request.executed_by or None)
        wanted = start_of(request, actor, caller.tenant_id)
        return pb.StartResponse(**answer_of(await self._entities.start(caller, wanted)))

    @unary
    async def Transition(self, request: pb.TransitionRequest, caller: Caller) -> pb.TransitionResponse:
        wanted = transition_of(request, self._entities.actor(caller, request.executed_by or None))
        moved = await self._entities.transition(caller, parse_execution_id(request.id, "id"), wanted)
        return pb.TransitionResponse(**answer_of(moved))

    @unary
    async def GetEntity(self, request: pb.GetEntityRequest, caller: Caller) -> pb.GetEntityResponse:
        if request.id:
            entity = await self._entities.get(caller, parse_execution_id(request.id, "id"))
        else:
            if not request.machine:
                raise Invalid.at("id", "name an entity by its id, or by machine, entity_table and entity_id")
            machine = parse_ref(request.machine, caller.tenant_id, "machine")
            entity = await self._entities.find(caller, machine, request.entity_table, request.entity_id)
        return pb.GetEntityResponse(entity=entity_message(entity))

    @unary
    async def ListEntities(self, request: pb.ListEntitiesRequest, caller: Caller) -> pb.ListEntitiesResponse:
        size, token = checked_page_size(request.page_size), request.page_token
        wanted = EntityFilter(
            machine_id=await self._machines.machine_id(caller, request.machine),
            state=request.state or None,
            table=request.entity_table or None,
            key=request.entity_id or None,
            is_final=request.is_final if request.HasField("is_final") else None,
        )
        before = parse_execution_id(token, "page_token") if token else None
        found = await self._entities.list(caller, wanted, before, size + 1)
        return entities_message(found, size, self._max_message_bytes)

    @unary
    async def ListTransitions(self, request: pb.ListTransitionsRequest, caller: Caller) -> pb.ListTransitionsResponse:
        actor = self._entities.actor(caller, request.executed_by or None)
        asked = TransitionRequest(actor, context=object_of(request.context, "context"))
        found = await self._entities.possible(caller, parse_execution_id(request.id, "id"), asked)
        return pb.ListTransitionsResponse(transitions=map(possible_message, found))

    @stream_of_bytes
    async def WatchEntity(self, request: pb.WatchEntityRequest, caller: Caller) -> Messages:
        entity_id = parse_execution_id(request.id, "id")
        return _messages(await self._machines.watching.watch(caller, entity_id, request.after_sequence))


async def _messages(batches: Updates) -> Messages:
    async with aclosing(batches):
        async for batch in batches:
            for update in batch:
                yield update_bytes(update)
