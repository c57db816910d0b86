"""How `run` and `watch` show entries: redrawn on a terminal, line by line elsewhere, as JSON, or only the id."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from app.cli.screen.console import Output, failures
from app.cli.screen.progress import duration
from app.cli.screen.times import Times
from app.cli.screen.waiting import SignalCommand, wait_line
from app.client.entries import Entry
from app.domain.waiting import signal_command

LONGEST_OUTPUT = 2_000


class Drawing(Protocol):
    """Shows entries; use it as a context manager.

    wants_plan: whether `expect` should be called before the first entry is shown.
    """

    wants_plan: bool

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def expect(self, workflow: str, tasks: Sequence[tuple[str, str]]) -> None:
        """Use the workflow's name and the ids and names of the tasks that it may run."""

    def show(self, entry: Entry) -> None: ...

    def notice(self, text: str) -> None:
        """Show a message about the connection, not about the execution."""


class _Lines:
    """Base of the drawings that print one entry after the other; notices go to stderr."""

    wants_plan = False

    def __init__(self, output: Output) -> None:
        self._output = output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def expect(self, workflow: str, tasks: Sequence[tuple[str, str]]) -> None:
        pass

    def notice(self, text: str) -> None:
        failures().say(text)


class PlainDrawing(_Lines):
    """One line per entry: number, seconds since the first line, how much is done, status, what happened."""

    def __init__(self, output: Output, workflow: str = "", command: SignalCommand = signal_command) -> None:
        """`workflow` is what the user typed, a key or an id; empty if nothing was typed."""
        super().__init__(output)
        self._workflow = workflow
        self._command = command
        self._first: Entry | None = None
        self.wants_plan = not workflow or workflow.isdecimal()

    def expect(self, workflow: str, tasks: Sequence[tuple[str, str]]) -> None:
        self._workflow = workflow

    def show(self, entry: Entry) -> None:
        if self._first is None:
            self._first = entry
            self._output.say(f"workflow {self._workflow or entry.workflow_id}, execution {entry.execution_id}")
        elapsed = duration((entry.occurred_at - self._first.occurred_at).total_seconds())
        told = self._told(entry)
        self._output.say(f"{entry.sequence:>4}  {elapsed:>8}  {entry.progress_percent:>3}%  {entry.status:<9}  {told}")
        if entry.is_final and entry.output is not None:
            self._output.say(output_line(entry.output))

    def _told(self, entry: Entry) -> str:
        if (awaited := entry.waits_for) is None or entry.error is not None:
            return message_line(entry.task_name, entry.message)
        command = self._command(entry.execution_id, awaited.signal or "")
        return wait_line(entry.task_name, entry.attempt, awaited, command, Times())


class JsonDrawing(_Lines):
    """One JSON object per entry, with all its fields."""

    def show(self, entry: Entry) -> None:
        self._output.json_line(entry.document())


class IdDrawing(_Lines):
    """Only the execution's id, as soon as it is known."""

    _told = False

    def show(self, entry: Entry) -> None:
        if not self._told:
            self._output.say(entry.execution_id)
        self._told = True


def output_line(output: str) -> str:
    """An execution's output on one line. A long output is cut; `--json` shows all of it."""
    cut = output if len(output) <= LONGEST_OUTPUT else f"{output[:LONGEST_OUTPUT]}… ({len(output)} characters)"
    return f"output  {cut}"


def message_line(task_name: str | None, message: str) -> str:
    """An entry's message, with the task's name if it is a progress report, which does not contain it."""
    return message if task_name is None or repr(task_name) in message else f"{task_name}: {message}"
