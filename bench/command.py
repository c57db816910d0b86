"""The command line of all parts: --size, --rounds, --seconds, --works, --concurrency, --out."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.adapters.database_url import StorageError
from app.adapters.logs import configure_logs
from bench.house import House, as_far_as_possible, open_house
from bench.report import write_report
from bench.running import REPOSITORY
from bench.samples import Sample
from bench.sizes import SIZES, WORKS, Size

RESULTS = REPOSITORY / "bench" / "results"
Part = Callable[[House], Awaitable[list[Sample]]]


def run_part(name: str, measure: Part) -> None:
    """Measure this part with the options of the command line, and write its report. Exit 1 if a measurement failed."""
    options = _parser(name).parse_args()
    configure_logs("warning", "json")
    try:
        failed = asyncio.run(_run(name, measure, _size(options), options.out))
    except StorageError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: stopped; nothing is written")
    if failed:
        sys.exit("bench: something could not be measured; the report's remarks say what")


async def _run(name: str, measure: Part, size: Size, folder: Path) -> bool:
    async with open_house(size, _say) as house:
        samples = await as_far_as_possible(house, name, partial(measure, house)) or []
        path = await write_report(folder, name, house, samples)
    sys.stdout.write(path.read_text("utf-8"))
    _say(f"Written: {path} and {path.with_suffix('.json')}")
    return house.has_failures


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Measure: {name}.")
    parser.add_argument("--size", choices=SIZES, default="usual", help="how much is measured (default usual)")
    parser.add_argument("--rounds", type=int, help="how often each contestant takes its turn")
    parser.add_argument("--seconds", type=float, help="the least length of each window")
    parser.add_argument("--works", nargs="+", choices=WORKS, help="which work")
    parser.add_argument("--concurrency", nargs="+", type=int, help="how many callers")
    parser.add_argument("--stored", nargs="+", type=int, help="how many finished executions are stored")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the reports go (default bench/results)")
    return parser


def _size(options: argparse.Namespace) -> Size:
    size = SIZES[options.size]
    wanted = {
        "rounds": options.rounds,
        "seconds": options.seconds,
        "works": _as_tuple(options.works),
        "peer_works": _as_tuple(options.works),
        "concurrencies": _as_tuple(options.concurrency),
        "stored": _as_tuple(options.stored),
    }
    return replace(size, **{name: value for name, value in wanted.items() if value is not None})


def _as_tuple(values: Sequence[str] | Sequence[int] | None) -> tuple[str | int, ...] | None:
    return None if values is None else tuple(values)
