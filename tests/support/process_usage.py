"""What a process takes: memory and processor time, and how busy the machine is beside it."""

import os
import subprocess
from pathlib import Path

MIB = 1024 * 1024


def resident_bytes(pid: int) -> int:
    return int(_ps(pid, "rss")) * 1024


def cpu_seconds(pid: int) -> float:
    """All that the process has used so far; exact to a hundredth of a second on Linux, else to what `ps` tells."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    *larger, seconds = _ps(pid, "time").split(":")
    return float(seconds) + sum(60 ** (n + 1) * float(part) for n, part in enumerate(reversed(larger)))


def machine_load() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _ps(pid: int, column: str) -> str:
    return subprocess.run(["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
