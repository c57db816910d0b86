"""Processor time and memory of processes, from /proc; nothing on systems without it."""

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """The processor time of these processes and their descendants, including ended ones that were waited for."""
    stats = _all_stats()
    return sum(sum(stats[pid][1:]) for pid in _with_descendants(pids, stats))


def peak_bytes(pids: Iterable[int]) -> int:
    """The sum of the peak resident sizes of these processes and their descendants."""
    return sum(_status(pid, "VmHWM") for pid in _with_descendants(pids, _all_stats()))


def resident_bytes(pid: int) -> int:
    return _status(pid, "VmRSS")


def parent(pid: int) -> int | None:
    """The parent of a process; None if it is not known."""
    stats = _all_stats()
    return int(stats[pid][0]) if pid in stats else None


def has_ended(pid: int) -> bool:
    """Whether it runs no more, also if its exit code was not asked for."""
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def program_name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def stolen_share(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float | None:
    """The share of processor time between two `machine_times` that the host gave to other machines."""
    if before is None or after is None or after[0] <= before[0]:
        return None
    return (after[1] - before[1]) / (after[0] - before[0])


def machine_times() -> tuple[float, float] | None:
    """Total and stolen processor time since the machine's start, in ticks."""
    try:
        fields = [float(text) for text in (PROC / "stat").read_text().splitlines()[0].split()[1:]]
    except (OSError, ValueError):
        return None
    return sum(fields[:8]), fields[7]


def _all_stats() -> dict[int, tuple[float, float, float]]:
    """By process: its parent, its own seconds, and the seconds of its ended children."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        user, system, ended_user, ended_system = (int(text) / TICKS for text in fields[11:15])
        found[int(folder.name)] = (float(fields[1]), user + system, ended_user + ended_system)
    return found


def _with_descendants(pids: Iterable[int], stats: dict[int, tuple[float, float, float]]) -> set[int]:
    wanted = {pid for pid in pids if pid in stats}
    while more := {pid for pid, stat in stats.items() if int(stat[0]) in wanted} - wanted:
        wanted |= more
    return wanted


def _status(pid: int, name: str) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
