"""Decides as which user the server runs. PostgreSQL refuses to run as root, so root must start it as another user, or
in a user namespace in which root has another number.
"""

import os
import pwd
from pathlib import Path

from app.adapters.database_url import StorageError

CAN_CHANGE_IDENTITY = (1 << 0) | (1 << 6) | (1 << 7)  # CAP_CHOWN, CAP_SETGID, CAP_SETUID
UNPRIVILEGED = ("postgres", "nobody")


def identity_for(data: Path, *, needs_name: bool = False) -> str:
    """Return the `identity` (see `start_child_process.py`) of a program that works on `data`.

    data: the folder of the data; it need not exist yet.
    needs_name: whether the program refuses a user that has no entry in the user database, as `initdb` does. Such users
        are usual in containers.
    """
    if os.geteuid() != 0:
        return "namespace" if needs_name and not _has_name(os.geteuid()) else "same"
    user = _owner(data) or _unprivileged_user()
    return f"{user[0]}:{user[1]}" if user and _may_become(user[0]) else "namespace"


def give(path: Path, identity: str) -> None:
    """Make the server's user the owner of `path` and of everything in it. Does nothing unless this process is root."""
    if os.geteuid() != 0:
        return
    user, group = map(int, identity.split(":")) if ":" in identity else (os.geteuid(), os.getegid())
    if path.stat().st_uid == user:
        return
    for folder, _, files in os.walk(path):
        for name in files:
            os.chown(Path(folder, name), user, group, follow_symlinks=False)
        os.chown(folder, user, group)
    os.chown(path, user, group)


def check_owner(data: Path) -> None:
    """Raise `StorageError` when `data` belongs to another user, and this process is not root and cannot change that."""
    user = data.stat().st_uid
    if os.geteuid() not in (0, user):
        raise StorageError(
            f"The data in {data} belongs to another user (id {user}); run as that user, or name another folder "
            "in DATABASE_URL=file:FOLDER."
        )


def _owner(data: Path) -> tuple[int, int] | None:
    """The user that ran the server before; None when that was root in a user namespace."""
    try:
        status = data.stat()
    except OSError:
        return None
    return (status.st_uid, status.st_gid) if status.st_uid != 0 else None


def _unprivileged_user() -> tuple[int, int] | None:
    for name in UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    return None


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _may_become(user: int) -> bool:
    """Whether root may change to `user`. A container may lack the capabilities, or not map the user."""
    try:
        status = Path("/proc/self/status").read_text()
        ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return True
    rights = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    mapped = any(first <= user < first + length for first, _, length in ranges)
    return mapped and rights & CAN_CHANGE_IDENTITY == CAN_CHANGE_IDENTITY
