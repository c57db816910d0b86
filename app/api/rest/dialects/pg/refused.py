"""Requests that are refused with a code of PostgREST or PostgreSQL."""

from app.api.rest.error_responses import Refused

UNREADABLE_QUERY = "PGRST100"
BAD_RANGE = "PGRST103"
NOT_ONE_ROW = "PGRST116"
NO_COLUMN = "42703"
NO_OPERATOR = "42883"
BAD_TEXT = "22P02"
TOO_MUCH = "54000"
AMBIGUOUS = "42725"


class PgRefused(Refused):
    """`details` say what exactly is wrong, and `hint` says what to do."""

    def __init__(
        self, code: str, message: str, details: str | None = None, hint: str | None = None, status: int = 400
    ) -> None:
        super().__init__(status, code, message, {"details": details, "hint": hint})


def too_much(what: str, count: int, most: int) -> PgRefused:
    return PgRefused(TOO_MUCH, f"the request has {count} {what}; the limit is {most}", hint="send several requests")
