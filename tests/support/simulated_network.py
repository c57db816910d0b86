"""What lies between a simulated process and its database: delays, outages, lost answers and late arrivals."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Protocol

from app.engine.ports import StoreUnreachable
from tests.support.simulated_loop import Place, SimulatedLoop


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each misfortune is for one call; `latency` is the usual way in seconds, one way.

    `failing` calls never arrive; of `losing` ones the answer is lost; `late` ones arrive after the caller was told
    that the connection broke; `hanging` ones take seconds.
    """

    latency: float = 0.005
    slow: float = 0.0
    hanging: float = 0.0
    failing: float = 0.0
    losing: float = 0.0
    late: float = 0.0
    lost_notifications: float = 0.0


CALM = Weather()
LONGEST_HANG = 6.0
LATEST = 4.0


class Sky(Protocol):
    """What all wires of a simulation share. `sent` are the calls that have not arrived yet."""

    loop: SimulatedLoop
    chance: Random
    weather: Weather
    sent: dict["Call", None]

    def note(self, text: str) -> None: ...


class Wire:
    """One process's connection to the database. While it is `cut` calls fail, most of them late when the
    `silence` is near 1.

    A call takes effect in the world, not in its process: what was sent arrives although the sender stands still.
    `seen(name, arguments, value)` is told of each effect, `told` of each answer that the process has received.
    """

    def __init__(self, sky: Sky, place: Place) -> None:
        self._sky = sky
        self._place = place
        self.cut = False
        self.silence = 0.0
        self.is_dead = False
        self.closed = False
        self.seen: Callable[[str, Sequence[Any], Any], None] = lambda *_: None
        self.told: Callable[[str, Sequence[Any], Any], None] = lambda *_: None

    async def call(self, name: str, method: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        if self.closed:
            raise asyncio.CancelledError
        answer: asyncio.Future[Any] = self._sky.loop.create_future()
        self._send(Call(self, name, method, arguments, answer))
        value = await answer
        self.told(name, arguments, value)
        return value

    def _send(self, call: "Call") -> None:
        weather, draw = self._sky.weather, self._sky.chance.random()
        if self.cut or draw < weather.failing:
            self._later(self._patience() if self.cut else self._delay(), self._break, call, "failed")
        elif draw < weather.failing + weather.late:
            self._later(self._delay(), self._break, call, "broke")
            self._let_arrive(call, self._sky.chance.uniform(0, LATEST))
        else:
            call.loses_answer = draw < weather.failing + weather.late + weather.losing
            self._let_arrive(call)

    def _let_arrive(self, call: "Call", late: float = 0.0) -> None:
        self._sky.sent[call] = None
        self._later(self._delay() + late, self._arrive, call)

    def _arrive(self, call: "Call") -> None:
        self._sky.sent.pop(call, None)
        if (self.is_dead or call.answer.cancelled()) and self._sky.chance.random() < 0.5:
            return
        value, error = _at_once(call)
        self._sky.note(f"{self._place.name} {call.name} {_short(error or value)}")
        if error is None:
            self.seen(call.name, call.arguments, value)
        ending = partial(self._break, call, "lost") if call.loses_answer else partial(self._answer, call, value, error)
        self._later(self._delay(), ending)

    def _answer(self, call: "Call", value: Any, error: Exception | None) -> None:
        if self.cut:
            self._later(self._patience(), self._break, call, "lost")
        elif not call.answer.done():
            if error is None:
                call.answer.set_result(value)
            else:
                call.answer.set_exception(error)

    def _break(self, call: "Call", word: str) -> None:
        if not call.answer.done():
            self._sky.note(f"{self._place.name} {call.name} {word}")
            call.answer.set_exception(StoreUnreachable(f"{call.name} {word}"))

    def _later(self, seconds: float, callback: Callable[..., None], *arguments: Any) -> None:
        loop = self._sky.loop
        loop.call_later(seconds, callback, *arguments, context=loop.world.context)

    def _patience(self) -> float:
        """Until a call on a wire that is cut fails: it is refused, or nobody answers and its driver gives up."""
        is_silent = self._sky.chance.random() < self.silence
        return self._sky.chance.uniform(0.5, LONGEST_HANG) if is_silent else self._delay()

    def _delay(self) -> float:
        weather, chance = self._sky.weather, self._sky.chance
        draw = chance.random()
        if draw < weather.hanging:
            return chance.uniform(0.5, LONGEST_HANG)
        return weather.latency * chance.random() * (50 if draw < weather.hanging + weather.slow else 1)


@dataclass(slots=True, eq=False)
class Call:
    """`wire` is the caller's."""

    wire: Wire
    name: str
    method: Callable[..., Coroutine[Any, Any, Any]]
    arguments: Sequence[Any]
    answer: asyncio.Future[Any]
    loses_answer: bool = False

    @property
    def is_forsaken(self) -> bool:
        """True when nobody waits for the answer any more."""
        return self.wire.is_dead or self.answer.done()


class Link:
    """An adapter in memory as it is seen through a wire; it has whatever methods the adapter has."""

    def __init__(self, wire: Wire, adapter: Any) -> None:
        self._wire = wire
        self._adapter = adapter

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        return partial(self._wire.call, name, getattr(self._adapter, name))


class Notifications:
    """Carries notifications between all processes; they come late, in any order, or not at all."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self._listeners: list[tuple[Place, str, Callable[[str], None]]] = []

    def subscribe(self, place: Place, channel: str, listener: Callable[[str], None]) -> None:
        self._listeners.append((place, channel, listener))

    async def announce(self, channel: str, payload: str) -> None:
        sky = self._sky
        for place, wanted, listener in self._listeners:
            if wanted == channel and not place.frozen and sky.chance.random() >= sky.weather.lost_notifications:
                delay = sky.weather.latency * sky.chance.random()
                sky.loop.call_later(delay, listener, payload, context=place.context)


class Ear:
    """The port `Signals` of one process."""

    def __init__(self, wire: Wire, notifications: Notifications, place: Place) -> None:
        self._wire = wire
        self._notifications = notifications
        self._place = place

    async def announce(self, channel: str, payload: str) -> None:
        await self._wire.call("announce", self._notifications.announce, channel, payload)

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None:
        self._notifications.subscribe(self._place, channel, listener)


def run_at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """The adapters in memory never wait, so that each call is a transaction by itself."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("an adapter in memory has waited")


def _at_once(call: Call) -> tuple[Any, Exception | None]:
    try:
        return run_at_once(call.method(*call.arguments)), None
    except Exception as error:  # noqa: BLE001 - it is the caller's, at the other end of the wire
        return None, error


def _short(value: Any) -> str:
    if isinstance(value, Exception):
        return f"refused: {value}"
    if isinstance(value, set | list | tuple):
        return f"{len(value)}"
    return f"{value}" if isinstance(value, bool | int) else ""
