"""Why a decision about a suggestion is refused."""

from app.domain.errors import ServiceError


class SuggestionStale(ServiceError):
    """The suggestion holds no longer, or the field that it would change is not as it was."""

    code = "suggestion_stale"

    def __init__(self, suggestion_id: int, why: str) -> None:
        super().__init__(f"suggestion {suggestion_id} cannot be applied any more: {why}")
        self.why = why
