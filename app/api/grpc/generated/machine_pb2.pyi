import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from app.api.grpc.generated import workflow_pb2 as _workflow_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartRequest(_message.Message):
    __slots__ = ("machine", "entity_table", "entity_id", "data", "notes", "context", "executed_by", "idempotency_key")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_BY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    machine: str
    entity_table: str
    entity_id: str
    data: str
    notes: str
    context: str
    executed_by: str
    idempotency_key: str
    def __init__(self, machine: _Optional[str] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ..., data: _Optional[str] = ..., notes: _Optional[str] = ..., context: _Optional[str] = ..., executed_by: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class StartResponse(_message.Message):
    __slots__ = ("id", "machine_id", "entity_table", "entity_id", "event")
    ID_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    machine_id: str
    entity_table: str
    entity_id: str
    event: _workflow_pb2.EntityUpdate
    def __init__(self, id: _Optional[str] = ..., machine_id: _Optional[str] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ..., event: _Optional[_Union[_workflow_pb2.EntityUpdate, _Mapping]] = ...) -> None: ...

class TransitionRequest(_message.Message):
    __slots__ = ("id", "to_state", "transition", "notes", "context", "data", "executed_by", "expected_sequence", "idempotency_key")
    ID_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    TRANSITION_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    id: str
    to_state: str
    transition: str
    notes: str
    context: str
    data: str
    executed_by: str
    expected_sequence: int
    idempotency_key: str
    def __init__(self, id: _Optional[str] = ..., to_state: _Optional[str] = ..., transition: _Optional[str] = ..., notes: _Optional[str] = ..., context: _Optional[str] = ..., data: _Optional[str] = ..., executed_by: _Optional[str] = ..., expected_sequence: _Optional[int] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class TransitionResponse(_message.Message):
    __slots__ = ("id", "machine_id", "entity_table", "entity_id", "event")
    ID_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    machine_id: str
    entity_table: str
    entity_id: str
    event: _workflow_pb2.EntityUpdate
    def __init__(self, id: _Optional[str] = ..., machine_id: _Optional[str] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ..., event: _Optional[_Union[_workflow_pb2.EntityUpdate, _Mapping]] = ...) -> None: ...

class GetEntityRequest(_message.Message):
    __slots__ = ("id", "machine", "entity_table", "entity_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    machine: str
    entity_table: str
    entity_id: str
    def __init__(self, id: _Optional[str] = ..., machine: _Optional[str] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ...) -> None: ...

class GetEntityResponse(_message.Message):
    __slots__ = ("entity",)
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    entity: Entity
    def __init__(self, entity: _Optional[_Union[Entity, _Mapping]] = ...) -> None: ...

class Entity(_message.Message):
    __slots__ = ("id", "machine_id", "revision", "entity_table", "entity_id", "state", "is_final", "sequence", "data", "entered_at", "due_at", "created_at", "updated_at", "completed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    MACHINE_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ENTERED_AT_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    machine_id: str
    revision: int
    entity_table: str
    entity_id: str
    state: str
    is_final: bool
    sequence: int
    data: str
    entered_at: _timestamp_pb2.Timestamp
    due_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., machine_id: _Optional[str] = ..., revision: _Optional[int] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ..., state: _Optional[str] = ..., is_final: _Optional[bool] = ..., sequence: _Optional[int] = ..., data: _Optional[str] = ..., entered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListEntitiesRequest(_message.Message):
    __slots__ = ("machine", "state", "entity_table", "entity_id", "is_final", "page_size", "page_token")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TABLE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    IS_FINAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    machine: str
    state: str
    entity_table: str
    entity_id: str
    is_final: bool
    page_size: int
    page_token: str
    def __init__(self, machine: _Optional[str] = ..., state: _Optional[str] = ..., entity_table: _Optional[str] = ..., entity_id: _Optional[str] = ..., is_final: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEntitiesResponse(_message.Message):
    __slots__ = ("entities", "next_page_token")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[Entity]
    next_page_token: str
    def __init__(self, entities: _Optional[_Iterable[_Union[Entity, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTransitionsRequest(_message.Message):
    __slots__ = ("id", "context", "executed_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    context: str
    executed_by: str
    def __init__(self, id: _Optional[str] = ..., context: _Optional[str] = ..., executed_by: _Optional[str] = ...) -> None: ...

class ListTransitionsResponse(_message.Message):
    __slots__ = ("transitions",)
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    transitions: _containers.RepeatedCompositeFieldContainer[PossibleTransition]
    def __init__(self, transitions: _Optional[_Iterable[_Union[PossibleTransition, _Mapping]]] = ...) -> None: ...

class PossibleTransition(_message.Message):
    __slots__ = ("name", "to", "allowed", "blocked_by", "context", "metadata")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    to: str
    allowed: bool
    blocked_by: _containers.RepeatedScalarFieldContainer[str]
    context: str
    metadata: str
    def __init__(self, name: _Optional[str] = ..., to: _Optional[str] = ..., allowed: _Optional[bool] = ..., blocked_by: _Optional[_Iterable[str]] = ..., context: _Optional[str] = ..., metadata: _Optional[str] = ...) -> None: ...

class WatchEntityRequest(_message.Message):
    __slots__ = ("id", "after_sequence")
    ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    after_sequence: int
    def __init__(self, id: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...
