"""Replace this process by the given program, which ends when the process that started it does.

    python -I -S start_child_process.py PARENT SIGNAL IDENTITY FOLDER PROGRAM [ARGUMENT…]

- PARENT: the process id of the process that starts the program
- SIGNAL: the number of the signal that the program receives when the parent has ended
- IDENTITY: the user that the program runs as. `same` is the current user, `UID:GID` is another user (root drops its
  privileges first), and `namespace` is the same user in a user namespace, in which it has another number
- FOLDER: a folder that the program must be able to access

This is a separate script, because dropping privileges between fork and exec is safe only in a process with one thread.
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
        # Done last, because a change of identity clears the signal. If the parent has ended before this call, the
        # signal will never come, so the program is not started.
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
    """Change to another user. When that user cannot access a path in `needed` (for example in root's home), keep the
    capability to read all files, and no other one.
    """
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
    """Keep the capability to read all files; return whether that is possible.

    CAP_DAC_READ_SEARCH suffices. Containers usually lack it, but have CAP_DAC_OVERRIDE, which also allows writing.
    """
    import ctypes

    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits each
    system_call("capget", header, held)
    reach = next((one for one in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if held[1] & 1 << one), None)
    if reach is None or not held[1] & 1 << CAP_SETPCAP:
        return False
    system_call("capset", header, (ctypes.c_uint32 * 6)(held[1], held[1], 0, held[4], held[4], 0))
    # Without this, access(2) ignores the capability, and initdb uses access(2) to check its own programs.
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
    """For kernels without a parent-death signal: stay as a process between parent and program. Forward the parent's
    signals, send `death_signal` when the parent has ended, and return the program's exit code.

    The parent keeps the other end of standard input open while it lives, so the end of input shows that it has ended.
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
