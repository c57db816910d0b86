"""The request bodies of schedules."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from app.api.rest.body_model import Body, bounds, in_utc, with_example
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


def _text_only(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    if isinstance(value, str):
        return value
    raise ValueError("must be an instant with an offset, like 2026-01-31T02:00:00Z")


Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text_only), AfterValidator(in_utc)]


class ScheduleBody(Body):
    """A whole schedule."""

    model_config = with_example(
        {
            "workflow": "nightly-report",
            "key": "nightly",
            "cron": "0 2 * * *",
            "time_zone": "Europe/Berlin",
            "input": {"day": "yesterday"},
            "overlap": "skip",
        }
    )

    workflow: str = Field(description="The workflow's id or key. It cannot be changed later.")
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

    def draft(self, payloads: Payloads) -> ScheduleDraft:
        """Raise `NotFound` for a `workflow` that is neither an id nor a key, `TooLarge` or `Invalid` for the input."""
        return ScheduleDraft(
            workflow=parse_ref(self.workflow),
            timing=Timing(None if self.cron is None else tidy(self.cron), self.time_zone, self.at),
            input=payloads.from_value(self.input, "input"),
            key=self.key,
            overlap=Overlap(self.overlap),
            catch_up_seconds=self.catch_up_seconds,
            paused=self.paused,
            allow_every_second=self.allow_every_second,
        )
