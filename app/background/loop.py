"""The one lifecycle of background loops: start, steps and pauses, stop, and what failures and defects mean.

An expected failure (the database does not answer) is logged, and the step is repeated after a pause that grows from
failure to failure. Any other error is a defect: it ends the loop, is logged as critical, and is reported, so that the
process ends with it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.background.backoff import Backoff
from app.domain.errors import Unavailable

log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[object]]
OnDefect = Callable[[Exception], None]

RETRY = Backoff(first_seconds=0.5, longest_seconds=5.0)


class Loop:
    """Does one step after another in a task of its own, with a pause in between.

    name: the name of the task, and of the loop in log entries.
    step: one piece of work. It returns True when there is more to do at once; then no pause follows.
    pause: waits until the next step.
    expected: the errors after which the step is repeated.
    backoff: the pauses after such errors.
    rest: between two steps the loop waits at least for the time that the first one took, multiplied by this. A loop
        that is woken up without end leaves the database to others for the rest of the time.
    sleep: waits for so many seconds between tries and when it rests; a test may give its own.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool | None]],
        pause: Callable[[], Awaitable[object]],
        *,
        expected: type[Exception] | tuple[type[Exception], ...] = Unavailable,
        backoff: Backoff = RETRY,
        rest: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self._step = step
        self._pause = pause
        self._expected = expected
        self._backoff = backoff
        self._rest = rest
        self._rested_at = 0.0
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = True
        self._is_in_step = False

    @property
    def is_running(self) -> bool:
        """False before the start, after a stop, and when a defect has ended the loop."""
        return not self._is_stopped and self._task is not None and not self._task.done()

    def start(self, on_defect: OnDefect, *, with_pause: bool = False) -> None:
        """Begin with a step, or with a pause; nothing happens while the loop is running.

        `on_defect(error)` is called with the defect that ends the loop, if there is one.
        """
        if not self.is_running:
            self._is_stopped = False
            self._is_in_step = False
            self._task = asyncio.create_task(self._run(on_defect, with_pause), name=self.name)

    def stop(self) -> None:
        """Begin no other step, and cancel the one that is being done. Harmless when repeated, or before the start."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()

    async def finish(self, seconds: float = 0.0) -> None:
        """As `stop`, but the step that is being done gets `seconds` to end; return when the loop has ended."""
        self._is_stopped = True
        task = self._task
        if task is None or task is asyncio.current_task():
            return
        try:
            if self._is_in_step and seconds > 0:
                await asyncio.wait((task,), timeout=seconds)
        finally:
            task.cancel()
        await asyncio.wait((task,))

    async def _run(self, on_defect: OnDefect, with_pause: bool) -> None:
        me = asyncio.current_task()
        assert me is not None
        try:
            if with_pause:
                await self._pause()
            await self._do_steps(me)
        except asyncio.CancelledError as error:
            if me.cancelling():
                raise
            # Nothing has cancelled this loop: the step has waited for something that was cancelled.
            defect = RuntimeError(f"what the loop {self.name!r} waited for was cancelled")
            defect.__cause__ = error
            self._die(defect, on_defect)
        except Exception as error:  # noqa: BLE001 - it is reported
            self._die(error, on_defect)

    async def _do_steps(self, me: "asyncio.Task[None]") -> None:
        # A task may miss its cancellation, when a step ends otherwise at the same moment. So the flag is asked, too.
        failures = 0
        while self._goes_on(me):
            try:
                has_more = await self._do_step()
            except self._expected as error:
                failures += 1
                if self._goes_on(me):
                    await self._wait_after(failures, error)
                continue
            failures = 0
            if self._goes_on(me) and not has_more:
                await self._pause()
            if self._rest and self._goes_on(me):
                await self._rest_from_step()

    async def _do_step(self) -> bool | None:
        self._is_in_step = True
        now = asyncio.get_running_loop().time
        began = now()
        try:
            return await self._step()
        finally:
            self._is_in_step = False
            self._rested_at = now() + self._rest * (now() - began)

    async def _rest_from_step(self) -> None:
        """Wait for what is left of the rest after the pause, which counts as rest."""
        left = self._rested_at - asyncio.get_running_loop().time()
        if left > 0:
            await self._sleep(left)

    async def _wait_after(self, failures: int, error: Exception) -> None:
        seconds = self._backoff.pause(failures)
        log.warning("loop_step_failed", loop=self.name, reason=str(error), again_after_seconds=round(seconds, 3))
        await self._sleep(seconds)

    def _goes_on(self, me: "asyncio.Task[None]") -> bool:
        """False for a task that was stopped, also when another one has been started since."""
        return not self._is_stopped and self._task is me

    def _die(self, defect: Exception, on_defect: OnDefect) -> None:
        self._is_stopped = True
        log.critical("loop_died", loop=self.name, exc_info=defect)
        on_defect(defect)
