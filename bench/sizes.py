"""The sizes of a run: usual takes ten minutes, quick two; smoke only checks that everything works."""

from dataclasses import dataclass

WORKS = ("seq3", "fan10", "seq100")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run measures.

    rounds: the number of rounds; `scale_rounds` that of the part `scale`, whose preparations take long.
    seconds: the minimum length of a window.
    stored: numbers of finished executions.
    waiting: half of the executions that are started to measure their memory.
    recovered: how many executions are running when their engine is killed; 0 leaves this out.
    sockets: how many sockets are open.
    lag_seconds: for how long it is measured how late events arrive; `held_seconds` with a transaction held open.
    """

    name: str
    rounds: int
    scale_rounds: int
    seconds: float
    warmup_seconds: float
    max_seconds: float
    works: tuple[str, ...] = WORKS
    concurrencies: tuple[int, ...] = (1, 64, 256)
    peer_works: tuple[str, ...] = WORKS
    idle_calls: int = 150
    http_connections: int = 32
    stored: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    engines: tuple[int, ...] = (1, 2, 4)
    watchers: tuple[int, ...] = (0, 10, 1_000)
    waiting: int = 2_000
    recovered: int = 0
    sockets: int = 1_000
    lag_seconds: float = 10.0
    held_seconds: float = 60.0


USUAL = Size("usual", rounds=3, scale_rounds=2, seconds=0.8, warmup_seconds=0.2, max_seconds=10)
QUICK = Size(
    "quick",
    rounds=2,
    scale_rounds=1,
    seconds=0.5,
    warmup_seconds=0.1,
    max_seconds=5,
    works=("seq3",),
    concurrencies=(1, 64),
    peer_works=("seq3",),
    stored=(1_000, 100_000),
    engines=(1, 2),
    idle_calls=100,
    watchers=(0, 1_000),
    waiting=500,
    held_seconds=10.0,
)
FULL = Size(
    "full",
    rounds=5,
    scale_rounds=5,
    seconds=3.0,
    warmup_seconds=0.5,
    max_seconds=20,
    idle_calls=500,
    stored=(1_000, 100_000, 1_000_000, 10_000_000),
    recovered=10_000,
)
SMOKE = Size(
    "smoke",
    rounds=1,
    scale_rounds=1,
    seconds=0.05,
    warmup_seconds=0.0,
    max_seconds=2,
    works=("seq3", "fan10"),
    concurrencies=(1, 4),
    peer_works=("seq3", "fan10"),
    idle_calls=0,
    http_connections=2,
    stored=(10, 20),
    engines=(1, 2),
    watchers=(0, 3),
    waiting=10,
    recovered=20,
    sockets=20,
    lag_seconds=1.0,
    held_seconds=1.0,
)
SIZES = {size.name: size for size in (USUAL, QUICK, FULL, SMOKE)}
