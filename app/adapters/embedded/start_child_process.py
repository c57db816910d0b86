"""Become the given program, with the promise that it ends when the process that started it does.

    python -I -S start_child_process.py PARENT SIGNAL IDENTITY FOLDER PROGRAM [ARGUMENT…]

PARENT is the starter's process id and SIGNAL the number of the signal that the program gets when the parent is gone.
IDENTITY says as whom it runs: `same`, `UID:GID` (root gives up its rights first), or `namespace` (a user namespace in
which the same user has another number). FOLDER must be within reach of the program.

A separate script, because giving up rights between fork and exec is only safe in a process with a single thread.
"""

import os
import signal
import subprocess
import sys
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000
NAMESPACE_ID = 65534
LINUX = sys.platform.startswith("linux")


def main(arguments: list[str]) -> None:
    parent, death_signal, identity, folder, *command = arguments
    take_identity(identity, [folder, command[0]])
    if LINUX:
        # Last of all: a change of identity clears it.
        system_call("prctl", PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() == int(parent):
            os.execv(command[0], command)
    else:
        sys.exit(watch(command, signal.Signals(int(death_signal))))


def take_identity(identity: str, needed: list[str]) -> None:
    if identity == "namespace":
        enter_namespace()
    elif identity != "same":
        user, group = map(int, identity.split(":"))
        give_up_rights(user, group, needed)


def give_up_rights(user: int, group: int, needed: list[str]) -> None:
    """Where a path is out of reach otherwise (below root's home), keep the right to read all, and nothing else."""
    if LINUX:
        system_call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    unreachable = [path for path in needed if not os.access(path, os.X_OK)]
    if unreachable and not (LINUX and keep_reach()):
        sys.exit(
            f"FATAL: root runs PostgreSQL as user {user}, who cannot reach {unreachable[0]}; open the folders above it "
            "(chmod a+x), install elsewhere, or name a server in DATABASE_URL=postgresql+asyncpg://…"
        )


def keep_reach() -> bool:
    """Whether that right can be kept.

    Containers usually leave root CAP_DAC_OVERRIDE, which also allows writing, but not CAP_DAC_READ_SEARCH.
    """
    import ctypes

    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits each
    system_call("capget", header, held)
    reach = next((one for one in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if held[1] & 1 << one), None)
    if reach is None or not held[1] & 1 << CAP_SETPCAP:
        return False
    system_call("capset", header, (ctypes.c_uint32 * 6)(held[1], held[1], 0, held[4], held[4], 0))
    # Without it access(2), which initdb asks about its own programs, would leave the capability out of account.
    system_call("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    mask = 1 << reach
    system_call("capset", header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
    system_call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, reach, 0, 0)
    return True


def enter_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    try:
        system_call("unshare", CLONE_NEWUSER)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{NAMESPACE_ID} {user} 1")
        write("/proc/self/gid_map", f"{NAMESPACE_ID} {group} 1")
    except OSError:
        sys.exit(
            f"FATAL: PostgreSQL needs a user with a name that is not root, and this process (user id {user}) may not "
            "become one; run it as such a user, or name a server in DATABASE_URL=postgresql+asyncpg://…"
        )


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def system_call(name: str, *arguments: object) -> None:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    if library[name](*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def watch(command: list[str], death_signal: signal.Signals) -> int:
    """Where the kernel has no parent-death signal: stay between, and pass on what the parent says or its end.

    The parent holds the other end of standard input open for as long as it lives. Returns the program's exit code.
    """
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, pass_on)
    import threading

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        child.send_signal(death_signal)

    threading.Thread(target=end_with_parent, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"FATAL: {error}")
