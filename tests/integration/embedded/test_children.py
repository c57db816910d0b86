"""Children end with their parent: by the kernel's signal, and where there is none, by the process in between."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.adapters.embedded import child_processes as children
from tests.support.processes import REPOSITORY, alive, descendants, eventually

PARENT = """
import signal, sys
from pathlib import Path
from app.adapters.embedded import child_processes as children

children.STARTER = Path(sys.argv[1])
child = children.Child([sys.executable, "-c", sys.argv[2]], death_signal=signal.SIGTERM).start()
sys.stdin.readline()
child.send_signal(signal.SIGTERM)
sys.exit(child.wait())
"""
OBEDIENT = "import sys, time; print('started', flush=True); time.sleep(600)"
LEAVES_WITH_7 = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["kernel", "watch"])
def starter(request, tmp_path) -> Path:
    """The script that starts a child; `watch` is the way of systems without a parent-death signal."""
    if request.param == "kernel":
        if not sys.platform.startswith("linux"):
            pytest.skip("only Linux has the signal")
        return children.STARTER
    script = tmp_path / "start_child.py"
    script.write_text(children.STARTER.read_text().replace('sys.platform.startswith("linux")', "False"))
    return script


@contextmanager
def parent_of(starter: Path, program: str):
    command = [sys.executable, "-c", PARENT, str(starter), program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPOSITORY, **pipes) as parent:
        try:
            assert parent.stdout.readline() == "started\n"
            yield parent
        finally:
            parent.kill()


def test_a_killed_parent_takes_its_child_with_it(starter):
    with parent_of(starter, OBEDIENT) as parent:
        started = descendants(parent.pid)
        assert started
        parent.kill()
        eventually(lambda: not alive(started))


def test_the_child_is_asked_and_not_killed(starter):
    with parent_of(starter, LEAVES_WITH_7) as parent:
        started = descendants(parent.pid)
        parent.stdin.write("stop\n")
        parent.stdin.flush()
        assert parent.wait(20) == 7
        assert not alive(started)


def test_a_child_whose_parent_is_already_gone_does_not_start(tmp_path):
    witness = tmp_path / "witness"
    program = f"open({str(witness)!r}, 'w')"
    nobody = "1" if sys.platform.startswith("linux") else pytest.skip("the process in between sees the closed pipe")
    arguments = [nobody, str(int(signal.SIGTERM)), "same", "/", sys.executable, "-c", program]
    subprocess.run([sys.executable, "-I", "-S", str(children.STARTER), *arguments], check=True)
    assert not witness.exists()
