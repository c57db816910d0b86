"""Where tests keep their files: in memory, where the machine has room for them there; else where TMPDIR says.

Every test with a database makes hundreds of small files and deletes them. A file system that looks for a place for each
of them on a disk takes ten times as long for that.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes that the databases of several workers never fill."""


def pytest_configure() -> None:
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_report_header() -> str:
    return f"temporary files: {tempfile.gettempdir()}"


def _has_room() -> bool:
    """Tests also start programs that they have put there."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free > ROOM
