"""The drawing on a terminal: a line per task and a bar for the execution, updated in place."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.cli.execution_ids import SHORT
from app.cli.screen.console import Output
from app.cli.screen.drawing import output_line
from app.cli.screen.printable import printable
from app.cli.screen.progress import Progress, TaskProgress, duration, lines_that_fit
from app.cli.screen.times import Times
from app.cli.screen.waiting import SignalCommand, wait_words
from app.client.entries import Entry
from app.domain.waiting import signal_command

BAR_WIDTH = 30
LINES_BESIDE_TASKS = 5
MOST_COMMANDS = 2
FRAMES_PER_SECOND = 10

_GLYPHS = {"pending": "·", "completed": "✓", "failed": "✗", "cancelled": "⊘", "skipped": "»", "retrying": "↻"}
_ASCII_GLYPHS = {"pending": ".", "completed": "+", "failed": "x", "cancelled": "-", "skipped": ">", "retrying": "r"}
_SPINNER, _ASCII_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
_STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow", "retrying": "yellow", "running": "cyan"}


class LiveDrawing:
    """Rich redraws in its own thread. This object only replaces values, so a frame may be late but is consistent."""

    wants_plan = True

    def __init__(
        self,
        output: Output,
        workflow: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        command: SignalCommand = signal_command,
    ) -> None:
        """`workflow` is what the user typed, a key or an id; empty if nothing was typed."""
        self._output = output
        self._workflow = workflow
        self._command = command
        self._now = now
        self._notice = ""
        self.progress = Progress()
        self._live = Live(get_renderable=self.frame, console=output, refresh_per_second=FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # If no entry arrived, leave nothing on the screen.
        self._live.transient = not self.progress.execution_id
        self._live.stop()
        if self.progress.output is not None:
            self._output.say(output_line(self.progress.output))

    def expect(self, workflow: str, tasks: Sequence[tuple[str, str]]) -> None:
        self._workflow = workflow
        self.progress.expect(tasks)

    def show(self, entry: Entry) -> None:
        self._notice = ""
        self.progress.take(entry)

    def notice(self, text: str) -> None:
        self._notice = text

    def frame(self) -> RenderableType:
        """The current picture."""
        now = self._now()
        lines: list[RenderableType] = [self._heading(), self._tasks(now), self._bar(now)]
        lines += self._commands()
        if self.progress.status in ("failed", "cancelled"):
            lines.append(Text(printable(self.progress.message), style=_STYLES[self.progress.status]))
        if self._notice:
            lines.append(_one_line(Text(self._notice, style="yellow")))
        return Group(*lines)

    def _heading(self) -> Text:
        name = self._workflow or self.progress.workflow_id
        title = Text(f"workflow {printable(name)}", style="bold")
        return _one_line(title.append(f"  {printable(self.progress.execution_id)}", style="not bold dim"))

    def _tasks(self, now: datetime) -> RenderableType:
        room = self._output.height - LINES_BESIDE_TASKS - len(self._commands())
        shown, others = lines_that_fit(list(self.progress.tasks.values()), max(room, 1))
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=self._output.width // 2)
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for task in shown:
            grid.add_row(*self._task(task, now))
        return Group(grid, _one_line(Text(f"  {others}", style="dim"))) if others else grid

    def _task(self, task: TaskProgress, now: datetime) -> tuple[Text, ...]:
        style, name_style = _STYLES.get(task.status, ""), "dim" if task.status == "pending" else ""
        return (
            Text.assemble((f"  {self._glyph(task.status, now)} ", style), (printable(task.name), name_style)),
            Text(f"attempt {task.attempt}" if task.attempt > 1 else "", style="yellow"),
            Text(duration(task.seconds(now)), style="dim"),
            Text(printable(self._message(task)), style="red" if task.status == "failed" else "dim"),
        )

    def _message(self, task: TaskProgress) -> str:
        words = "" if task.waits_for is None else wait_words(task.waits_for, Times())
        return "; ".join(filter(None, (words, task.message)))

    def _commands(self) -> list[RenderableType]:
        """The lines that send what tasks wait for. The whole id is shortened where a line would be broken, since a
        broken line cannot be copied into a shell.
        """
        awaited = [task.waits_for.sendable for task in self.progress.tasks.values() if task.waits_for is not None]
        names = list(dict.fromkeys(name for name in awaited if name is not None))[:MOST_COMMANDS]
        return [Text(printable(self._command_within(self._output.width, name)), style="yellow") for name in names]

    def _command_within(self, width: int, signal: str) -> str:
        whole = self._command(self.progress.execution_id, signal)
        return whole if cell_len(whole) <= width else self._command(self.progress.execution_id[-SHORT:], signal)

    def _bar(self, now: datetime) -> RenderableType:
        progress = self.progress
        style = _STYLES.get(progress.status, "cyan")
        grid = Table.grid(padding=(0, 2))
        for _ in range(4):
            grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_row(
            ProgressBar(completed=progress.percent, width=BAR_WIDTH, complete_style=style, finished_style=style),
            Text(f"{progress.percent}%"),
            Text(progress.status or "connecting", style=style),
            Text(duration(progress.seconds(now)), style="dim"),
        )
        return grid

    def _glyph(self, status: str, now: datetime) -> str:
        unicode = self._output.encoding.lower().startswith("utf")
        if status == "running":
            frames = _SPINNER if unicode else _ASCII_SPINNER
            return frames[int(now.timestamp() * FRAMES_PER_SECOND) % len(frames)]
        return (_GLYPHS if unicode else _ASCII_GLYPHS).get(status, "?")


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
