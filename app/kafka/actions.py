"""What incoming records do: start executions, and send signals."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.domain.callers import Caller
from app.domain.errors import Conflict, Invalid, NotFound, RunIdTaken, TooLarge, WrongState
from app.domain.payloads import Payloads
from app.domain.tenants import Tenant
from app.engine.controls import ExecutionControls
from app.engine.triggering.service import TriggerRequest, TriggerService, Way
from app.kafka.parsing import Poison, Trigger, caller_of, parse_signal, parse_trigger
from app.kafka.records import Received

FROM_RECORD = Way("record", announces=False)
"""How what records start is handed to engines: any may claim it. Who has received the record wakes up its own."""

TENANT_HEADER = "tenant"


class NotYet(Exception):
    """A record may work later.

    poison: what it is if it does not.
    """

    def __init__(self, poison: Poison) -> None:
        super().__init__(poison.message)
        self.poison = poison


@dataclass(frozen=True, slots=True)
class Tenancy:
    """In which tenants records act.

    usual: the key of the tenant of records that name none.
    from_header: whether a record can name another one.
    find: finds a tenant by its key.
    """

    usual: str
    from_header: bool
    find: Callable[[str], Awaitable[Tenant | None]]

    async def caller(self, received: Received) -> Caller:
        """Who acts for the record. Raise `Poison`."""
        key = self.usual
        if TENANT_HEADER in received.headers:
            named = received.text(TENANT_HEADER) or ""
            if named != key and not self.from_header:
                raise Poison("tenant_refused", f"records act in the tenant {key!r} here, not in {named[:100]!r}")
            key = named
        tenant = await self.find(key)
        if tenant is None:
            raise Poison("tenant_unknown", f"there is no tenant {key[:100]!r}")
        if tenant.suspended_at is not None:
            raise Poison("tenant_suspended", f"the tenant {key!r} is suspended")
        return caller_of(received, tenant.id, tenant.key)


class Actions:
    """Does what records say. All methods raise `Poison`, `NotYet`, `StartsExceeded` and `Unavailable`.

    tenancy: in which tenants records act.
    payloads: the limits of payloads.
    triggers: starts executions.
    controls: sends signals.
    """

    def __init__(
        self, tenancy: Tenancy, payloads: Payloads, triggers: TriggerService, controls: ExecutionControls
    ) -> None:
        self._tenancy = tenancy
        self._payloads = payloads
        self._triggers = triggers
        self._controls = controls

    async def trigger(self, received: Received) -> None:
        """Start an execution. No effect for a record whose run id has started one."""
        caller = await self._tenancy.caller(received)
        wanted = parse_trigger(received, caller, self._payloads)
        request = TriggerRequest(wanted.workflow, wanted.payload, wanted.run_id, FROM_RECORD, wanted.traceparent)
        try:
            await self._triggers.trigger(caller, request)
        except NotFound as error:
            raise NotYet(_poison(wanted, "workflow_unknown", error.message)) from None
        except RunIdTaken as error:
            # Another execution is called so, and a program that waits for it must not read that it failed.
            raise Poison(error.code, error.message) from None
        except (Invalid, TooLarge) as error:
            raise _poison(wanted, "input_invalid", error.message) from None

    async def signal(self, received: Received) -> None:
        """Send a signal. A record that comes twice sends it twice."""
        caller = await self._tenancy.caller(received)
        wanted = parse_signal(received, self._payloads)
        try:
            await self._controls.signal(caller, wanted.execution_id, wanted.name, wanted.payload)
        except NotFound as error:
            raise NotYet(Poison("execution_unknown", error.message)) from None
        except (WrongState, Conflict) as error:
            raise Poison("execution_ended", error.message) from None
        except (Invalid, TooLarge) as error:
            raise Poison("signal_refused", error.message) from None


def _poison(wanted: Trigger, code: str, message: str) -> Poison:
    return Poison(code, message, wanted.run_id.text, str(wanted.workflow))
