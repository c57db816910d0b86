"""No line of the log has a secret in it, whoever writes it and however; run as a process of its own."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

REPOSITORY = Path(__file__).parents[3]
SECRET = 's3cr3t "q\\uoted" tok€n'
PROGRAM = """
import logging, sys, threading
import structlog
from app.adapters.logs import configure_logs, hide_in_tracebacks
from app.masking import Mask
SECRET = sys.argv[1]
mask = Mask([SECRET, "info"])
configure_logs("info", sys.argv[2], lambda: mask)
hide_in_tracebacks(lambda: mask)
log, other = structlog.get_logger("ours"), logging.getLogger("a.library")
def fail():
    raise ValueError(SECRET)
class Broken:
    __str__ = lambda self: fail()
{lines}
"""
LINES = {
    "an event": "log.info('before ' + SECRET, field=SECRET, many={SECRET: [SECRET, 1]}, error=ValueError(SECRET))",
    "another logger": "other.warning('before %s %r', SECRET, SECRET)",
    "a traceback": "try: fail()\nexcept ValueError: log.exception('before')",
    "a traceback of another logger": "try: fail()\nexcept ValueError: other.exception('before')",
    "a record that cannot be written": "log.info('before')\nother.warning('%s', Broken())",
    "the end of the process": "log.info('before')\nfail()",
    "the end of a thread": "log.info('before')\nthread = threading.Thread(target=fail)\nthread.start()\nthread.join()",
    "too many": "log.warning('before ' + (SECRET + ' ') * 5_001)",
}


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.parametrize("lines", LINES.values(), ids=LINES)
def test_no_line_has_a_secret_in_it(lines: str, format: str) -> None:
    program = PROGRAM.replace("{lines}", lines)
    done = subprocess.run(
        [sys.executable, "-c", program, SECRET, format], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert "***" in done.stderr
    assert "before" in done.stderr or "places" in done.stderr
    for part in ("s3cr3t", "uoted", "tok€n", "tok\\u20acn"):
        assert part not in done.stderr
    if format == "json":
        assert all(isinstance(orjson.loads(line), dict) for line in done.stderr.splitlines() if line.startswith("{"))
