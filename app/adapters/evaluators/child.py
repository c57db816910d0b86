"""The program of an evaluator process. It has no environment, few rights, and ends when the service does.

    python -P -m app.adapters.evaluators.child MEMORY_BYTES DEADLINE_SECONDS

Standard input and output are one socket. It says with an empty frame that it is ready, then reads jobs and writes
answers. A frame is its length in four bytes, and the bytes.
"""

import gc
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from app.engine.evaluating.jobs import perform

NICENESS = 10
"""Those who wait for the event loops of this machine come first."""

JOBS_BETWEEN_COLLECTIONS = 100

FILES = 16
"""The largest number of open files: time zones are read when they are first used."""


def main() -> None:
    memory_bytes, deadline_seconds = int(sys.argv[1]), float(sys.argv[2])
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    _give_up_rights(memory_bytes)
    _write(answers, b"")
    # Looking for garbage makes the parsing of large data several times as long. There is little of it.
    gc.disable()
    done = 0
    while (job := _read(jobs)) is not None:
        _write(answers, _within(deadline_seconds, partial(perform, job)))
        done += 1
        if done % JOBS_BETWEEN_COLLECTIONS == 0:
            gc.collect()


def _give_up_rights(memory_bytes: int) -> None:
    os.nice(NICENESS)
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        # An operator may have set a lower one, and some systems do not have all of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """The kernel ends the process, also within native code, when `work` takes more processor time than `seconds`.

    Processor time, so that a busy machine makes no evaluation fail. The limit of whole seconds is for the case that the
    timer fails.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 2, most))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _read(source: BinaryIO) -> bytes | None:
    """The next frame; None when the service has ended."""
    head = source.read(4)
    return source.read(int.from_bytes(head)) if len(head) == 4 else None


def _write(target: BinaryIO, frame: bytes) -> None:
    target.write(len(frame).to_bytes(4) + frame)
    target.flush()


if __name__ == "__main__":
    main()
