"""What a task waits for, as all APIs show it to people."""

from dataclasses import dataclass
from datetime import datetime
from shlex import quote

import orjson

from app.domain.documents import rfc3339

ENTITY_SIGNALS = "entity:"
"""How the names of signals begin that the states of entities are; a JSON array follows: machine, table, id, states.
Callers cannot send them.
"""


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a task waits for.

    signal: the name of the signal that ends the wait; None if none does: a delay, or the time until the next attempt.
    until: when the wait ends by itself; None if it does not.
    """

    signal: str | None
    until: datetime | None

    @property
    def sendable(self) -> str | None:
        """The signal, if callers can send it."""
        return None if self.signal is None or awaited_state(self.signal) is not None else self.signal

    def words(self, until: str) -> str:
        """`waits for signal 'approved' until …`. `until` is the instant as text; it is not used if there is none."""
        what = "" if self.signal is None else f" for {_awaited(self.signal)}"
        return f"waits{what}" if self.until is None else f"waits{what} until {until}"

    def sentence(self, execution_id: object) -> str:
        """As `words`, with the instant in UTC and the command that sends the signal."""
        words = self.words(rfc3339(self.until) or "")
        name = self.sendable
        return words if name is None else f"{words}; {how_to_send(signal_command(execution_id, name))}"


def _awaited(signal: str) -> str:
    state = awaited_state(signal)
    return f"signal {signal!r}" if state is None else state


def awaited_state(signal: str) -> str | None:
    """`transactions 7 of fraud_detection to be in completed or cancelled`; None for a signal that people send."""
    if not signal.startswith(ENTITY_SIGNALS):
        return None
    try:
        machine, table, entity, states = orjson.loads(signal.removeprefix(ENTITY_SIGNALS))
        return f"{table} {entity} of {machine} to be in {' or '.join(states)}"
    except (TypeError, ValueError):
        return None


def how_to_send(command: str) -> str:
    return f"send it with: {command}"


def signal_command(execution_id: object, signal: str, *options: str) -> str:
    """A line for a shell that sends the signal with an empty object as its payload."""
    words = [quote(signal), "--payload '{}'", *options]
    if signal.startswith("-"):  # which would be an option
        words = [*words[1:], "--", words[0]]
    return " ".join(["workflow signal", str(execution_id), *words])
