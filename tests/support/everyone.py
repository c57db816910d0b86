"""Identity while authentication is off, over stores in memory."""

import time
from datetime import UTC, datetime

from app.identity.admission import Admission
from app.identity.identity import Identity
from app.identity.keys import KeyService
from app.identity.known_callers import KnownCallers
from app.identity.long_calls import LongCalls
from app.identity.sessions import SessionService
from app.identity.tenant_limits import KnownLimits, StartQuotas
from app.identity.tenants import TenantService
from app.identity.workflow_limits import WorkflowLimits
from tests.support.memory.identity import MemoryKeyStore, MemorySessionStore, MemoryTenantStore, MemoryWorkflowKeys


def _now() -> datetime:
    return datetime.now(UTC)


async def _unheard() -> None:
    """The announcement of a change, which no other process hears."""


def everyone() -> Identity:
    tenants = MemoryTenantStore(_now)
    keys = MemoryKeyStore(tenants, _now)
    limits = KnownLimits(tenants)
    return Identity(
        Admission(None, WorkflowLimits(MemoryWorkflowKeys())),
        LongCalls(keys, KnownCallers(time.monotonic), _now),
        KeyService(keys, _unheard),
        TenantService(tenants, _unheard),
        limits,
        StartQuotas(limits, time.monotonic),
        SessionService(MemorySessionStore(keys, _now), _unheard, _now),
    )
