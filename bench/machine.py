"""Describes where a run took place: machine, versions, settings, and the time that a durable write takes."""

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from bench.stores import connect

PACKAGES = ("grpcio", "protobuf", "asyncpg", "uvloop", "fastapi", "starlette", "uvicorn", "httptools", "pydantic")
MORE_PACKAGES = ("sqlalchemy", "redis", "hiredis", "orjson")
SHOWN_SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
    "autovacuum",
)
FLUSHES = 100
CALIBRATION_STEPS = 200_000


def describe_machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _line_of("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": _line_of("/proc/meminfo", "MemTotal"),
        "python": platform.python_version(),
    }


def describe_packages() -> dict[str, str]:
    return {name: _version(name) for name in (*PACKAGES, *MORE_PACKAGES)}


async def describe_database(url: str) -> Mapping[str, str]:
    """The settings that determine the cost of a commit."""
    async with connect(url) as connection:
        rows = await connection.fetch(
            "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1::text[])",
            list(SHOWN_SETTINGS),
        )
    found = {row["name"]: row["value"] for row in rows}
    return {name: found[name] for name in SHOWN_SETTINGS if name in found}


def flush_microseconds(folder: Path) -> float:
    """The median time of writing 8 KiB to a file in `folder` and making it durable, as a commit does."""
    path, times = folder / "flush", []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for _ in range(FLUSHES):
            os.pwrite(descriptor, b"\0" * 8192, 0)
            began = time.perf_counter()
            os.fsync(descriptor)
            times.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return 1e6 * median(times)


def calibration_ms() -> float:
    """The time that a fixed piece of Python takes now, to compare the speed of the machine between rounds."""
    began = time.perf_counter()
    total = 0
    for number in range(CALIBRATION_STEPS):
        total += number * number % 7
    return 1000 * (time.perf_counter() - began)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _line_of(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)
