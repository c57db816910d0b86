"""The request bodies of schedules."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.rest.body_model import Body, Instant, bounds, with_example
from app.api.rest.read_only_fields import Fixed, Moving, Returned, Version, omitted
from app.api.rest.workflow_bodies import Key
from app.domain.payloads import Payloads
from app.domain.refs import parse_ref
from app.schedules.cron import MAX_CRON, tidy
from app.schedules.schedule import (
    DEFAULT_CATCH_UP_SECONDS,
    MAX_CATCH_UP_SECONDS,
    MIN_CATCH_UP_SECONDS,
    Overlap,
    ScheduleDraft,
    Timing,
)

OverlapName = Literal["skip", "queue", "cancel_previous"]


EXAMPLE_SCHEDULE = {
    "workflow": "nightly-report",
    "key": "nightly",
    "cron": "0 2 * * *",
    "time_zone": "Europe/Berlin",
    "input": {"day": "yesterday"},
    "overlap": "skip",
}


class ScheduleFields(Body):
    """The fields of a schedule without its workflow."""

    key: Key = None
    cron: Annotated[
        str | None,
        Field(
            description="Minute, hour, day of month, month, day of week; with six fields the second comes first.",
            json_schema_extra={"maxLength": MAX_CRON},
        ),
    ] = None
    allow_every_second: bool = Field(
        False, description="Must be true for a `cron` with all 60 seconds, such as `* * * * * *`."
    )
    time_zone: str = Field("UTC", description="An IANA name, for `cron`.")
    at: Instant | None = Field(None, description="A single instant, instead of `cron`.")
    input: dict[str, Any] = Field(default_factory=dict, description="The input of each execution.")
    overlap: OverlapName = Field("skip", description="What happens at a fire while the previous execution still runs.")
    catch_up_seconds: float = Field(
        DEFAULT_CATCH_UP_SECONDS,
        description="How late the latest missed fire may still start its execution.",
        json_schema_extra=bounds(MIN_CATCH_UP_SECONDS, MAX_CATCH_UP_SECONDS),
    )
    paused: bool | None = Field(None, description="If omitted, it stays unchanged; a new schedule is not paused.")

    def _draft(self, workflow: str | None, payloads: Payloads, tenant_id: int) -> ScheduleDraft:
        """Raise `NotFound` for a `workflow` that is neither an id nor a key, `TooLarge` or `Invalid` for the input."""
        return ScheduleDraft(
            workflow=None if workflow is None else parse_ref(workflow, tenant_id),
            timing=Timing(None if self.cron is None else tidy(self.cron), self.time_zone, self.at),
            input=payloads.from_value(self.input, "input"),
            key=self.key,
            overlap=Overlap(self.overlap),
            catch_up_seconds=self.catch_up_seconds,
            paused=self.paused,
            allow_every_second=self.allow_every_second,
        )


class ScheduleBody(ScheduleFields):
    """A new schedule."""

    model_config = with_example(EXAMPLE_SCHEDULE)

    workflow: str = Field(description="The workflow's id or key. It cannot be changed later.")

    def draft(self, payloads: Payloads, tenant_id: int) -> ScheduleDraft:
        """Raise as `_draft`."""
        return self._draft(self.workflow, payloads, tenant_id)


class ScheduleReadOnly(Returned):
    """What a schedule has that only the service sets. Fires change some of it, but not `updated_at`."""

    id: Fixed[int] = omitted()
    workflow_id: Fixed[int] = omitted()
    next_fire_at: Moving[Instant | None] = omitted()
    waiting_fire_at: Moving[Instant | None] = omitted()
    last_fire_at: Moving[Instant | None] = omitted()
    last_execution_id: Moving[str | None] = omitted()
    problem: Moving[str | None] = omitted()
    created_at: Fixed[Instant] = omitted()
    updated_at: Version[Instant] = omitted()


class ScheduleReplace(ScheduleReadOnly, ScheduleFields):
    """A whole schedule, also as a response has it."""

    model_config = with_example(EXAMPLE_SCHEDULE)

    workflow: str | None = Field(
        None, description="The workflow's id or key; it must be the same as before. If omitted, it stays unchanged."
    )

    def draft(self, payloads: Payloads, tenant_id: int) -> ScheduleDraft:
        """Raise as `_draft`."""
        return self._draft(self.workflow, payloads, tenant_id)
