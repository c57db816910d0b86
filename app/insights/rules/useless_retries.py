"""R6: a kind of failure is retried, and no further attempt ever succeeds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from app.domain.definitions import MAX_ERROR_CODES, RetryPolicy
from app.domain.documents import retry_document
from app.insights.bounds import at_most, wilson
from app.insights.findings import Finding, evidence_of, percent, seconds, setting
from app.insights.samples import Attempt, Outcome, TaskSample, is_told
from app.insights.suggestions import Rule

FORMULA = "stop_useless_retries/1: wilson"
LEAST_TRIES = 30
MOST_SHARE = 0.1
"""The claim is that fewer of the further attempts than this succeed."""
LEAST_SECONDS = 0.5
MOST_SHOWN, LONGEST_SHOWN = 5, 60


class _Retry(NamedTuple):
    """A failure, and the attempt that followed."""

    failed: Attempt
    next: Attempt

    @property
    def seconds(self) -> float:
        return self.next.at + self.next.seconds - self.failed.at - self.failed.seconds


def look(of_task: TaskSample) -> Finding | None:
    policy = of_task.task.retry
    if policy is None or policy.max_attempts < 2:
        return None
    by_code: defaultdict[str, list[_Retry]] = defaultdict(list)
    for retry in _retries(of_task):
        by_code[retry.failed.code].append(retry)
    tried = {code: found for code, found in by_code.items() if len(found) >= LEAST_TRIES}
    if not tried:
        return None
    useless = {code: found for code, found in tried.items() if not _successes(found)}
    return _finding(of_task, policy, useless or tried, holds=bool(useless))


def _retries(of_task: TaskSample) -> Iterator[_Retry]:
    for _, run in of_task.runs:
        for failed, following in pairwise(run.attempts):
            if failed.outcome is Outcome.FAILED and is_told(following):
                yield _Retry(failed, following)


def _finding(of_task: TaskSample, policy: RetryPolicy, found: dict[str, list[_Retry]], *, holds: bool) -> Finding:
    codes = sorted(found)
    fewest = min(codes, key=lambda code: len(found[code]))
    n, k = len(found[fewest]), _successes(found[fewest])
    share, spent = wilson(k, n), [retry.seconds for retries in found.values() for retry in retries]
    mean = sum(spent) / len(spent)
    wanted = (*policy.non_retryable_errors, *(code for code in codes if code not in policy.non_retryable_errors))
    facts = {"further_attempts": {code: len(found[code]) for code in codes}, "seconds_per_attempt": mean}
    names = _listed(codes)
    return Finding(
        rule=Rule.STOP_USELESS_RETRIES,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=holds and mean >= LEAST_SECONDS and len(wanted) <= MAX_ERROR_CODES,
        evidence=evidence_of(of_task.sample, FORMULA, (n, k), share, at_most(k, n, MOST_SHARE), facts),
        title=f"Do not retry {of_task.task.name!r} after {names}",
        rationale=(
            f"After {names}, none of {n} further attempts succeeded; at most {percent(share.high)} would."
            f" Each of them cost {seconds(mean)}."
        ),
        prediction={"seconds_saved_per_attempt": mean},
        patch=setting(
            of_task.sample.workflow,
            of_task.task,
            "retry",
            retry_document(replace(policy, non_retryable_errors=wanted)),
        ),
        seconds_a_day=sum(spent) / of_task.sample.days,
    )


def _listed(codes: Sequence[str]) -> str:
    """A few of the codes in a sentence."""
    shown = ", ".join(repr(code[:LONGEST_SHOWN]) for code in codes[:MOST_SHOWN])
    return shown if len(codes) <= MOST_SHOWN else f"{shown} and {len(codes) - MOST_SHOWN} more"


def _successes(retries: list[_Retry]) -> int:
    return sum(retry.next.outcome is Outcome.COMPLETED for retry in retries)
