"""The targets of the project, each as a ratio within one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.ceilings.contestants import BARE_ROWS, BARE_STREAM
from bench.house import Figure
from bench.live.contestants import EVERY_EVENT, HELD, LAG, MANY_SOCKETS, WITH, WITHOUT
from bench.live.stopping import STOP
from bench.peers.contestants import PEER_NAMES
from bench.rest.contestants import HIT, MEMORY, POOLED, USUAL
from bench.samples import Samples, Spread, Value, percentile, rate, ratio, spread, task_rate
from bench.scale.contestants import engines_label, stored_label, watchers_label
from bench.scale.memory import PER_PARKED, PER_RUNNING
from bench.tenants.contestants import ANONYMOUS_GET, BOUND, KEY_GET, MANY, ONE, POINT_READ, TENANTS, UNBOUND
from bench.work.contestants import ALONE, STREAM


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a run so far."""

    samples: Samples
    figures: Sequence[Figure]

    def figure(self, name: str) -> Spread | None:
        return spread(figure.value for figure in self.figures if figure.name == name)


@dataclass(frozen=True, slots=True)
class Target:
    """A target.

    goal: None if the value is only reported.
    at_most: true if smaller is better.
    unit: empty for a ratio.
    """

    what: str
    goal: float | None
    measured: Callable[[Run], Spread | None]
    at_most: bool = False
    unit: str = ""

    def is_reached(self, found: Spread) -> bool | None:
        if self.goal is None:
            return None
        return found.median <= self.goal if self.at_most else found.median >= self.goal


def _against(subject: str, other: str, work: str = "seq3", value: Value = rate) -> Callable[[Run], Spread | None]:
    """The ratio by round, each with its best number of callers."""
    return lambda run: ratio(run.samples.of(subject, work).best(value), run.samples.of(other, work).best(value))


def _against_peers(subject: str, work: str, value: Value = task_rate) -> Callable[[Run], Spread | None]:
    return lambda run: ratio(run.samples.of(subject, work).best(value), run.samples.among(PEER_NAMES, work).best(value))


def _idle_against_peers(which: str) -> Callable[[Run], Spread | None]:
    """The ratio with one caller."""
    value = percentile(which)
    return lambda run: ratio(
        run.samples.of(STREAM, "seq3", 1).best(value, min), run.samples.among(PEER_NAMES, "seq3", 1).best(value, min)
    )


def _scaled(one: str, other: str, subject: str = STREAM) -> Callable[[Run], Spread | None]:
    return lambda run: ratio(run.samples.of(subject, one).best(rate), run.samples.of(subject, other).best(rate))


def _stored_bytes(run: Run) -> Spread | None:
    found = run.samples.of(ALONE, "seq3").per_operation(lambda sample: sample.stored_bytes)
    return None if found is None else spread([found])


def _lag_of(subject: str) -> Callable[[Run], Spread | None]:
    return lambda run: run.samples.of(subject, LAG).spread(percentile("p99"))


def _with_sockets(callers: int) -> Callable[[Run], Spread | None]:
    return lambda run: ratio(
        run.samples.of(WITH, "seq3", callers).best(rate), run.samples.of(WITHOUT, "seq3", callers).best(rate)
    )


TARGETS = (
    Target("`seq3` full stream against ceiling (a), executions/s", 0.6, _against(STREAM, BARE_STREAM)),
    Target("`seq3` full stream against the best peer, executions/s", 5, _against_peers(STREAM, "seq3")),
    Target("`seq3` engine alone against the best peer, executions/s", 30, _against_peers(ALONE, "seq3")),
    Target("`seq100` full stream against the best peer, task runs/s", 8, _against_peers(STREAM, "seq100")),
    Target("`seq100` engine alone against the best peer, task runs/s", 60, _against_peers(ALONE, "seq100")),
    Target("`fan10` full stream against the best peer, task runs/s", 7, _against_peers(STREAM, "fan10")),
    Target("`seq3` idle, start → end p50, against the best peer", 1 / 3, _idle_against_peers("p50"), at_most=True),
    Target("`seq3` idle, start → end p99, against the best peer", 1 / 3, _idle_against_peers("p99"), at_most=True),
    Target("engine alone against ceiling (b), executions/s", 0.35, _against(ALONE, BARE_ROWS)),
    Target("cached GET against ceiling (d) with a pool", 1.2, _against(HIT, POOLED, "REST")),
    Target("cached GET against ceiling (c)", 0.6, _against(HIT, MEMORY, "REST")),
    Target("cached GET against the usual way", 10, _against(HIT, USUAL, "REST")),
    Target(f"`seq3` of {TENANTS} tenants against one, engine alone, executions/s", 0.95, _against(MANY, ONE)),
    Target("cached GET with a key against anonymous", 0.9, _against(KEY_GET, ANONYMOUS_GET, "REST")),
    Target("read by id and tenant against one by id, time", 1.2, _against(UNBOUND, BOUND, POINT_READ), at_most=True),
    Target("bytes stored per `seq3` execution", 2_000, _stored_bytes, at_most=True, unit="bytes"),
    Target(PER_RUNNING, 10_000, lambda run: run.figure(PER_RUNNING), at_most=True, unit="bytes"),
    Target(
        f"{PER_PARKED}: none, to within what pages tell",
        100,
        lambda run: run.figure(PER_PARKED),
        at_most=True,
        unit="bytes",
    ),
    Target("events over many sockets, lag p99", 1_000, _lag_of(MANY_SOCKETS), at_most=True, unit="ms"),
    Target("every event over 10 sockets, lag p99", None, _lag_of(EVERY_EVENT), at_most=True, unit="ms"),
    Target("the same with a transaction held open, lag p99", 500, _lag_of(HELD), at_most=True, unit="ms"),
    Target("`seq3` engine alone with many sockets against none, 1 caller", 0.95, _with_sockets(1)),
    Target("the same with 64 callers, on shared cores", None, _with_sockets(64)),
    Target(STOP, 10, lambda run: run.figure(STOP), at_most=True, unit="s"),
    Target("2 engine processes against 1, executions/s", None, _scaled(engines_label(2), engines_label(1))),
)


def scale_targets(stored: Sequence[int], watchers: Sequence[int]) -> Sequence[Target]:
    """The targets that depend on the size of a run."""
    few, many, idle = min(stored), max(stored), max(watchers)
    what = f"{many:,} stored against {few:,}, executions/s"
    labels = stored_label(many), stored_label(few)
    return (
        Target(f"full stream at {what}", 0.9, _scaled(*labels)),
        Target(f"engine alone at {what}", 0.9, _scaled(*labels, subject=ALONE)),
        Target(
            f"{idle:,} idle watchers against none, executions/s", 0.9, _scaled(watchers_label(idle), watchers_label(0))
        ),
    )
