"""Keeps the secrets of a workflow out of what its tasks return, say and fail with."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.domain.definitions import Config
from app.domain.handlers import TaskError
from app.domain.paths import below
from app.domain.stored_configs import WHERE_TO_USE
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.ports import Secrets
from app.masking import STARS, Mask, mask_of


class TaskMask:
    """Hides the secrets of a workflow in what its tasks say."""

    __slots__ = ("_mask",)

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    @classmethod
    def of(cls, secrets: Secrets, tenant: str, names: Iterable[str]) -> "TaskMask":
        """Raise whatever reading a secret raises."""
        return cls(mask_of(frozenset(value for name in names for value in secrets.values(tenant, name))))

    def finds(self, text: str) -> bool:
        return self._mask.finds(text)

    def text(self, text: str) -> str:
        return self._mask.text(text)

    def json(self, text: str) -> str:
        return self._mask.json(text)

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


class HideAll(TaskMask):
    """For a workflow whose secrets cannot be read: nothing that a task says can be searched, so nothing is stored."""

    def __init__(self) -> None:
        super().__init__(mask_of(frozenset()))

    def finds(self, text: str) -> bool:
        """Raise `TaskError`."""
        raise _unreadable()

    def text(self, text: str) -> str:
        return STARS

    def json(self, text: str) -> str:
        """Raise `TaskError`."""
        raise _unreadable()

    def outcome(self, outcome: Outcome) -> Outcome:
        return outcome if isinstance(outcome, Stopped) else Failed(_unreadable())


def refuse_secrets(mask: TaskMask, config: Config) -> None:
    """Raise `TaskError` that names the first place in the config where a secret is."""
    for path, text in _texts(config, "config"):
        if mask.finds(text):
            message = f"{path} contains a secret, and would be stored; {WHERE_TO_USE}"
            raise TaskError("secret_would_be_stored", message, retryable=False)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text and number in the value, with its path; the keys of an object have the path of the object."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, below(path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, below(path, index))
    elif value is not None:
        yield path, str(value)


def _unreadable() -> TaskError:
    message = "the task's secrets cannot be read, so its outcome cannot be searched for them"
    return TaskError("secrets_unreadable", message)
