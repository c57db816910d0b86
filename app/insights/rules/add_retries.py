"""R1: a task without a retry policy fails now and then for reasons that pass."""

from collections import Counter
from collections.abc import Sequence

from app.domain.definitions import RetryPolicy
from app.domain.documents import retry_document
from app.insights.bounds import at_least, wilson
from app.insights.codes import is_transient, may_be_retried
from app.insights.definition import AWAITING, reads_only
from app.insights.findings import Finding, evidence_of, percent, seconds, setting
from app.insights.samples import Attempt, Execution, Outcome, TaskSample
from app.insights.suggestions import Rule

FORMULA = "add_retries/1: wilson"
LEAST_ATTEMPTS, LEAST_FAILURES, LEAST_HOURS, LEAST_TRIES = 50, 5, 3, 12
LEAST_SHARE = 0.02
POLICY = RetryPolicy(max_attempts=3, initial_interval_seconds=1.0, backoff_coefficient=2.0, jitter=0.1)

Failures = Sequence[tuple[Execution, Attempt]]


def look(of_task: TaskSample) -> Finding | None:
    if of_task.task.retry is not None or of_task.task.type in AWAITING:
        return None
    firsts = list(of_task.first_attempts())
    if len(firsts) < LEAST_ATTEMPTS:
        return None
    failures = [one for one in firsts if one[1].outcome is Outcome.FAILED and may_be_retried(one[1])]
    good, tries = _later_tries(of_task, failures)
    passes = tries >= LEAST_TRIES and wilson(good, tries).low > 0.5
    told = failures if passes else [one for one in failures if is_transient(one[1])]
    n, k = len(firsts), len(told)
    share, hours = wilson(k, n), len({int(attempt.at // 3600) for _, attempt in told})
    enough = k >= LEAST_FAILURES and hours >= LEAST_HOURS and share.low > LEAST_SHARE
    facts = {"hours": hours, "later_tries": tries, "later_successes": good, "codes": _codes(told)}
    return Finding(
        rule=Rule.ADD_RETRIES,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=enough and not _stands_out(told, firsts),
        evidence=evidence_of(of_task.sample, FORMULA, (n, k), share, at_least(k, n, LEAST_SHARE), facts),
        title=f"Retry {of_task.task.name!r}: {percent(share.estimate)} of its first attempts fail for a passing reason",
        rationale=_rationale(of_task, n, k, good, tries),
        prediction=_prediction(of_task, k, n, good, tries),
        patch=setting(of_task.sample.workflow, of_task.task, "retry", retry_document(POLICY)),
        seconds_a_day=_lost_seconds(told) / of_task.sample.days,
    )


def _later_tries(of_task: TaskSample, failures: Failures) -> tuple[int, int]:
    """How often the task succeeded, and was tried at all, when an execution in which it had failed was repeated."""
    failed = {execution.id for execution, _ in failures}
    tries = [one for execution, one in of_task.first_attempts() if execution.origin_id in failed]
    return sum(one.outcome is Outcome.COMPLETED for one in tries), len(tries)


def _stands_out(failures: Failures, firsts: Failures) -> bool:
    """Whether one message or one input has more than half of the failures, so that chance is not the reason.

    A message says nothing where the code has already said that the reason passes. An input says nothing where more than
    half of all executions have it.
    """
    untold = Counter(attempt.message for _, attempt in failures if not is_transient(attempt))
    if untold and max(untold.values()) > len(failures) / 2:
        return True
    of_failures, of_all = (Counter(execution.input for execution, _ in some) for some in (failures, firsts))
    digest, count = of_failures.most_common(1)[0] if of_failures else ("", 0)
    return count > len(failures) / 2 and of_all[digest] <= len(firsts) / 2


def _codes(failures: Failures) -> dict[str, int]:
    return dict(sorted(Counter(attempt.code for _, attempt in failures).items()))


def _prediction(of_task: TaskSample, k: int, n: int, good: int, tries: int) -> dict[str, float]:
    share, success = wilson(k, n), wilson(good, tries).estimate if tries else 0.5
    left = (1 - success) ** 2
    return {
        "failure_share_now": share.estimate,
        "failure_share": share.estimate * left,
        "failure_share_low": share.low * left,
        "failure_share_high": share.high * left,
        "added_seconds": share.estimate * (1 + (1 - success) * 2),
    }


def _rationale(of_task: TaskSample, n: int, k: int, good: int, tries: int) -> str:
    later = f" Of {tries} later tries {good} succeeded." if tries else ""
    effect = "" if reads_only(of_task.task) else " A task that changes something must bear being run twice."
    waits = f"{seconds(1)} and {seconds(2)}"
    return (
        f"Of {n} first attempts {k} failed for a reason that may pass, and no retries are set.{later}"
        f" Two more attempts, after {waits}, would let most of these executions continue.{effect}"
    )


def _lost_seconds(failures: Failures) -> float:
    """How long the executions ran that a retry could have saved."""
    ends = ((one.finished_at, one.started_at) for one, _ in failures)
    return sum(end - begin for end, begin in ends if end is not None and begin is not None)
