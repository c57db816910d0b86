"""What the APIs know of identity."""

from dataclasses import dataclass, field

from app.identity.admission import Admission
from app.identity.client_addresses import ClientAddresses
from app.identity.keys import KeyService
from app.identity.long_calls import LongCalls
from app.identity.sessions import SessionService
from app.identity.tenant_limits import KnownLimits, StartQuotas
from app.identity.tenants import TenantService


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, and may they.

    admission: decides about every call.
    long_calls: ends calls of callers that are no longer valid.
    keys: manages API keys.
    tenants: manages tenants.
    limits: what tenants may use.
    starts: how often they may start executions.
    sessions: begins and ends sessions of the dashboard.
    addresses: finds out where a request comes from.
    """

    admission: Admission
    long_calls: LongCalls
    keys: KeyService
    tenants: TenantService
    limits: KnownLimits
    starts: StartQuotas
    sessions: SessionService
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
