"""The report of a run: Markdown for people, JSON with every sample for programs."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.house import House
from bench.machine import describe_database, describe_machine, describe_packages, flush_microseconds
from bench.samples import Sample, Samples, Spread, percentile, rate, task_rate
from bench.targets import TARGETS, Run, scale_targets

NOTHING = "-"


async def write_report(folder: Path, name: str, house: House, samples: Sequence[Sample]) -> Path:
    """Write `name.md` and `name.json` into `folder`; the path of the former."""
    about = {
        "made": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "size": asdict(house.size),
        "machine": {**describe_machine(), "flush_microseconds": round(flush_microseconds(house.folder))},
        "packages": describe_packages(),
        "postgresql": dict(await describe_database(house.stores.postgres_url)),
        "settings": house.settings,
        "remarks": house.remarks,
        "conditions": [asdict(condition) for condition in house.conditions],
        "figures": [asdict(figure) for figure in house.figures],
    }
    reached = list(_reached(house, Samples(samples)))
    content = {**about, "reach": reached, "samples": [asdict(sample) for sample in samples]}
    return _write(folder / f"{name}.md", markdown(name, about, reached, samples), json.dumps(content, indent=1))


def _write(path: Path, text: str, everything: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.with_suffix(".json").write_text(everything, "utf-8")
    return path


def markdown(name: str, about: dict[str, Any], reached: Sequence[dict[str, Any]], samples: Sequence[Sample]) -> str:
    size = about["size"]
    parts = [
        f"# Benchmark: {name}",
        f"Made {about['made']}, size {size['name']}: {size['rounds']} rounds, windows of at least "
        f"{size['seconds']:g} s. Figures are the median of the rounds, with the lowest and the highest. "
        "Compare within a run only.",
        *_section("Reach", _reach_table([] if size["name"] == "smoke" else reached)),  # too short for a verdict
        *_section("Rates and times", _work_table([sample for sample in samples if sample.work != "REST"])),
        *_section("Cost of one execution", _cost_table([sample for sample in samples if sample.work != "REST"])),
        *_section("REST", _rest_table([sample for sample in samples if sample.work == "REST"])),
        *_section("Measured once", _figures_table(about["figures"])),
        *_section("Remarks", [f"- {remark}" for remark in about["remarks"]]),
        *_section("Machine", _pairs({**about["machine"], **about["packages"]})),
        *_section("PostgreSQL", _pairs(about["postgresql"])),
        *_section("What was measured, and how it was configured", _pairs(about["settings"])),
        *_section("Conditions", _conditions_table(about["conditions"])),
    ]
    return "\n\n".join(parts) + "\n"


def _reached(house: House, samples: Samples) -> Iterable[dict[str, Any]]:
    run = Run(samples, house.figures)
    for target in (*TARGETS, *scale_targets(house.size.stored, house.size.watchers)):
        if (found := target.measured(run)) is not None:
            yield {
                "what": target.what,
                "goal": target.goal,
                "at_most": target.at_most,
                "unit": target.unit,
                "measured": asdict(found),
                "reached": target.is_reached(found),
            }


def _reach_table(reached: Sequence[dict[str, Any]]) -> list[str]:
    rows = []
    for entry in reached:
        sign, goal = "≤" if entry["at_most"] else "≥", entry["goal"]
        wanted = NOTHING if goal is None else f"{sign} {_number(goal)}"
        verdict = {True: "yes", False: "no", None: NOTHING}[entry["reached"]]
        rows.append((entry["what"], wanted, _spread(Spread(**entry["measured"])), entry["unit"] or "ratio", verdict))
    return _table(("what", "wanted", "measured", "unit", "reached"), rows)


def _work_table(samples: Sequence[Sample]) -> list[str]:
    rows = []
    for (subject, work, concurrency), group in _cells(samples).items():
        first = group.spread(lambda sample: sample.first_ms["p50"] if sample.first_ms else None)
        first99 = group.spread(lambda sample: sample.first_ms["p99"] if sample.first_ms else None)
        times = (first, first99, group.spread(percentile("p50")), group.spread(percentile("p99")))
        rates = (_spread(group.spread(rate)), _spread(group.spread(task_rate)))
        rows.append((subject, work, str(concurrency), *rates, *(_middle(found) for found in times)))
    titles = (
        "what",
        "work",
        "callers",
        "executions/s",
        "task runs/s",
        "first p50 ms",
        "first p99",
        "end p50 ms",
        "end p99",
    )
    return _table(titles, rows)


def _cost_table(samples: Sequence[Sample]) -> list[str]:
    rows = []
    for (subject, work, concurrency), group in _cells(samples).items():
        left = [
            group.per_operation(lambda sample: sample.stored_bytes),
            group.per_operation(lambda sample: sample.wal_bytes),
            group.per_operation(lambda sample: sample.commits),
        ]
        numbers = [NOTHING if found is None else _number(found) for found in left]
        rows.append((subject, work, str(concurrency), _cpu(group), *numbers, _peak(group)))
    titles = (
        "what",
        "work",
        "callers",
        "CPU ms by process",
        "bytes stored",
        "bytes of WAL",
        "commits",
        "peak MB by process",
    )
    return _table(titles, rows)


def _rest_table(samples: Sequence[Sample]) -> list[str]:
    rows = []
    for (subject, _, connections), group in _cells(samples).items():
        times = (group.spread(percentile("p50")), group.spread(percentile("p99")))
        found = (_spread(group.spread(rate)), *(_middle(time) for time in times), _cpu(group), _peak(group))
        rows.append((subject, str(connections), *found))
    return _table(
        ("what", "connections", "requests/s", "p50 ms", "p99", "CPU ms by process", "peak MB by process"), rows
    )


def _figures_table(figures: Sequence[dict[str, Any]]) -> list[str]:
    rows = [(figure["name"], _number(figure["value"]), figure["unit"]) for figure in figures]
    return _table(("what", "measured", "unit"), rows)


def _conditions_table(conditions: Sequence[dict[str, Any]]) -> list[str]:
    rows = []
    for found in conditions:
        stolen = NOTHING if found["stolen_share"] is None else f"{found['stolen_share']:.1%}"
        rows.append((found["part"], str(found["round"] + 1), f"{found['calibration_ms']:.1f}", stolen))
    return _table(("part", "round", "a fixed loop of Python, ms", "processor time stolen by other machines"), rows)


def _cells(samples: Sequence[Sample]) -> dict[tuple[str, str, int], Samples]:
    """The samples by cell, in the order of their first appearance."""
    found: dict[tuple[str, str, int], list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample.subject, sample.work, sample.concurrency), []).append(sample)
    return {cell: Samples(group) for cell, group in found.items()}


def _cpu(group: Samples) -> str:
    """Processor time per operation, over all rounds."""
    operations = sum(sample.operations for sample in group.all)
    roles = dict.fromkeys(role for sample in group.all for role in sample.cpu_seconds)
    sums = {role: sum(sample.cpu_seconds.get(role, 0.0) for sample in group.all) for role in roles}
    return ", ".join(f"{role} {_number(1000 * sums[role] / operations)}" for role in roles) if operations else NOTHING


def _peak(group: Samples) -> str:
    """Peak memory, without PostgreSQL: its processes share buffers, which would be counted several times."""
    roles = dict.fromkeys(role for sample in group.all for role in sample.peak_bytes if role != "postgresql")
    highest = {role: max(sample.peak_bytes.get(role, 0) for sample in group.all) for role in roles}
    return ", ".join(f"{role} {size / 1e6:.0f}" for role, size in highest.items())


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)] if lines else []


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"- {name}: {value}" for name, value in values.items()]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [titles, ["---"] * len(titles), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _spread(found: Spread | None) -> str:
    if found is None:
        return NOTHING
    middle = _number(found.median)
    return middle if found.rounds == 1 else f"{middle} ({_number(found.low)} … {_number(found.high)})"


def _middle(found: Spread | None) -> str:
    return NOTHING if found is None else _number(found.median)


def _number(value: float) -> str:
    """Three significant digits; whole numbers from a hundred on."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}"
