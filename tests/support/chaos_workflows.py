"""What a service under attack runs, and the definitions that are only edited."""

from app.domain.definitions import RetryPolicy
from tests.support.engine_process import parallel, sync, workflow

CALLING = "workflow"
QUICK = RetryPolicy(max_attempts=3, initial_interval_seconds=0.05)


def _python(function: str, **arguments: object) -> dict[str, object]:
    return {"function": f"chaos.{function}", "arguments": arguments}


WORKFLOWS = (
    workflow(
        "chaos-mixed",
        (
            sync("a", 1, "python", config=_python("in_thread", seconds=0.01)),
            sync("b", 1),
            parallel("c", 2, "python", config=_python("in_loop", seconds=0.1)),
            parallel("d", 2, "delay", config={"seconds": 0.2}),
            sync("e", 3, "python", config=_python("in_loop")),
        ),
    ),
    workflow(
        "chaos-flaky",
        (
            sync("a", 1, "python", config=_python("fails_at_first"), retry=QUICK),
            sync("b", 2, "python", config=_python("in_thread")),
        ),
    ),
    workflow(
        "chaos-failing",
        (
            parallel("a", 1, "python", config=_python("fails"), retry=QUICK),
            parallel("b", 1, "delay", config={"seconds": 5}),
            sync("never", 2, "python", config=_python("in_loop")),
        ),
    ),
    workflow(
        "chaos-slow",
        (
            sync("a", 1, "delay", config={"seconds": 2}),
            sync("b", 2, "python", config=_python("in_loop", seconds=0.5)),
        ),
    ),
    workflow(
        "chaos-parent",
        (
            parallel("one", 1, CALLING, config={"workflow": "chaos-flaky"}, retry=QUICK),
            parallel("many", 1, CALLING, config={"workflow": "chaos-mixed"}, for_each="[1, 2, 3]", max_concurrency=2),
            parallel("slow", 1, CALLING, config={"workflow": "chaos-slow"}, timeout_seconds=0.5, retry=QUICK),
            sync("after", 2, "python", config=_python("in_loop")),
        ),
    ),
    workflow(
        "chaos-grandparent",
        (
            parallel("call", 1, CALLING, config={"workflow": "chaos-parent"}),
            parallel("slow", 1, CALLING, config={"workflow": "chaos-slow"}),
        ),
    ),
)
WEIGHTS = (6, 2, 1, 1, 2, 1)
"""How often each of them is started."""

SIGNALLED = workflow(
    "chaos-signalled",
    (sync("a", 1, "signal", config={"name": "go"}), sync("b", 2, "python", config=_python("in_loop"))),
)
"""Waits until it gets the signal `go`."""

EDITED = tuple(workflow(f"chaos-edited-{number}", (sync("a", 1),)) for number in range(3))
"""Nobody runs these."""
