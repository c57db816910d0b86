"""Keeps secrets out of what is stored and shown: what a task says after it has seen some is searched for them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from app.domain.handlers import TaskError
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded

SHORTEST = 4
"""Shorter values are left: to replace them would destroy ordinary words, and they are no secrets."""

STARS = "***"


class Mask:
    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first: one may be a part of another.
        self._secrets = sorted((secret for secret in secrets if len(secret) >= SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return text

    def json(self, text: str) -> str:
        return orjson.dumps(self.value(orjson.loads(text))).decode()

    def value(self, value: Any) -> Any:
        """A JSON value in which every text, keys included, is masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def outcome(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Succeeded) and outcome.output is not None:
            return replace(outcome, output=self.json(outcome.output))
        if isinstance(outcome, Failed):
            error = outcome.error
            masked = TaskError(
                self.text(error.code),
                self.text(error.message),
                retryable=error.retryable,
                retry_after_seconds=error.retry_after_seconds,
            )
            return Failed(masked)
        return outcome


class HideAll(Mask):
    """For a task whose secrets cannot be read: nothing that it says can be searched, so nothing is stored."""

    def __init__(self) -> None:
        super().__init__(())

    def text(self, text: str) -> str:
        return STARS

    def json(self, text: str) -> str:
        """Raise `TaskError`."""
        raise _unreadable()

    def outcome(self, outcome: Outcome) -> Outcome:
        return outcome if isinstance(outcome, Stopped) else Failed(_unreadable())


def _unreadable() -> TaskError:
    message = "the task's secrets cannot be read, so its outcome cannot be searched for them"
    return TaskError("secrets_unreadable", message)
