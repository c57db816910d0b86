"""Takes records in: a batch at a time, each record to its end, and only then the brokers are told."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.domain.errors import StartsExceeded, Unavailable
from app.kafka.actions import Actions, NotYet
from app.kafka.dead_letters import DeadLetters
from app.kafka.parsing import Poison, relayed_id
from app.kafka.ports import Source, Triggered
from app.kafka.progress import Progress
from app.kafka.records import Received
from app.kafka.room import Room
from app.kafka.topics import Topics

log = structlog.get_logger(__name__)

TRIES = 3
AGAIN_SECONDS = 15.0
"""So the third try of a record that does not work yet is half a minute after the first."""

MAX_WAITING = 1_000
AT_ONCE = 8
PAUSE_SECONDS = 0.25
TAKE_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Work:
    """A record that is not finished.

    received: the record.
    tries: how often it was tried.
    due_at: when it is tried again.
    """

    received: Received
    tries: int = 0
    due_at: float = 0.0


class Intake:
    """The member of the group in this process.

    topics: the names of the topics.
    source: where records come from.
    actions: what they do.
    dead_letters: where those go that can never work.
    triggered: what is asked of executions that were triggered.
    room: whether more may be taken.
    wake_engine: tells the engine of this process that there may be work.
    clock: seconds that never go back.
    """

    def __init__(  # noqa: PLR0913 - each is a part that tests replace
        self,
        topics: Topics,
        source: Source,
        actions: Actions,
        dead_letters: DeadLetters,
        triggered: Triggered,
        room: Room,
        wake_engine: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._dead_letters = dead_letters
        self._triggered = triggered
        self._room = room
        self._wake_engine = wake_engine
        self._clock = clock
        self._progress = Progress()
        self._now: list[Work] = []
        self._later: list[Work] = []
        self._places = asyncio.Semaphore(AT_ONCE)
        self._act: dict[str, Callable[[Received], Awaitable[None]]] = {
            topics.trigger: actions.trigger,
            topics.signals: actions.signal,
        }
        self._loop = Loop("kafka intake", self._step, partial(asyncio.sleep, PAUSE_SECONDS))

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """What is not finished comes again, to this process or another."""
        await self._loop.finish()

    async def _step(self) -> bool:
        """Finish what can be. True when there may be more at once. After `Unavailable` the same is tried again."""
        self._take_up_again()
        if not self._now:
            if len(self._later) >= MAX_WAITING or await self._room.is_full():
                return False
            await self._take()
        await self._make_relayed_due()
        await self._do_all()
        if through := self._progress.news():
            self._source.done(through)
        return True

    def _take_up_again(self) -> None:
        now = self._clock()
        self._now += (work for work in self._later if work.due_at <= now)
        self._later = [work for work in self._later if work.due_at > now]

    async def _take(self) -> None:
        for received in await self._source.take(TAKE_SECONDS):
            self._progress.begin(received)
            self._now.append(Work(received))

    async def _make_relayed_due(self) -> None:
        """Those that the relay has published are stored already, and only wait for their record."""
        ids = [(work, found) for work in self._now if (found := relayed_id(work.received)) is not None]
        if ids:
            if await self._triggered.make_due([found for _, found in ids]):
                self._wake_engine()
            for work, _ in ids:
                self._finish(work)

    async def _do_all(self) -> None:
        """Raise the first error that is not about a record, when all have been tried."""
        found = await asyncio.gather(*(self._do(work) for work in list(self._now)), return_exceptions=True)
        if any(result is None for result in found):
            self._wake_engine()
        for result in found:
            if isinstance(result, BaseException):
                raise result

    async def _do(self, work: Work) -> None:
        async with self._places:
            try:
                await self._act[work.received.topic](work.received)
            except NotYet as error:
                await self._try_later(work, error.poison)
            except StartsExceeded as error:
                # No fault of the record's: the tenant has used up this second.
                self._put_off(work, error.retry_after)
            except Poison as error:
                await self._bury(work, error)
            except Unavailable:
                raise
            except Exception as error:
                # It would end one process after the other, as often as it comes again.
                log.exception("kafka_record_failed", place=work.received.place)
                await self._bury(work, Poison("internal_error", f"{type(error).__name__}: {error}"))
            else:
                self._finish(work)

    async def _try_later(self, work: Work, poison: Poison) -> None:
        if work.tries + 1 >= TRIES:
            await self._bury(work, poison)
        else:
            work.tries += 1
            self._put_off(work, AGAIN_SECONDS)

    def _put_off(self, work: Work, seconds: float) -> None:
        work.due_at = self._clock() + seconds
        self._now.remove(work)
        self._later.append(work)

    async def _bury(self, work: Work, poison: Poison) -> None:
        await self._dead_letters.bury(work.received, poison)
        log.warning("kafka_dead_letter", place=work.received.place, code=poison.code, message=poison.message)
        self._finish(work)

    def _finish(self, work: Work) -> None:
        self._now.remove(work)
        self._progress.finish(work.received)
