"""R7: the last attempt that a policy allows still does as well as the first retry, and too few are allowed."""

from dataclasses import replace

from app.domain.documents import retry_document
from app.insights.bounds import at_least, wilson
from app.insights.codes import may_be_retried
from app.insights.findings import Finding, evidence_of, percent, setting
from app.insights.samples import Attempt, Outcome, TaskRun, TaskSample, is_told
from app.insights.suggestions import Rule

FORMULA = "more_attempts/1: wilson"
LEAST_EXHAUSTED = 20
LEAST_SHARE = 0.01
"""As many of all runs must have used up their attempts."""
MORE, MOST = 2, 10


def look(of_task: TaskSample) -> Finding | None:
    policy = of_task.task.retry
    if policy is None or not 2 <= policy.max_attempts < MOST:
        return None
    runs = [run for _, run in of_task.runs if run.outcome in (Outcome.COMPLETED, Outcome.FAILED)]
    exhausted = [run for run in runs if _is_exhausted(run, policy.max_attempts, policy.non_retryable_errors)]
    if len(exhausted) < LEAST_EXHAUSTED:
        return None
    second, last = (_chance(runs, number) for number in (2, policy.max_attempts))
    if not second[1] or not last[1]:
        return None
    half, found = second[0] / second[1] / 2, wilson(*last)
    more = min(policy.max_attempts + MORE, MOST)
    share = len(exhausted) / len(runs)
    left = share * (1 - found.estimate) ** (more - policy.max_attempts)
    facts = {"exhausted": len(exhausted), "runs": len(runs), "first_retry_chance": 2 * half}
    return Finding(
        rule=Rule.MORE_ATTEMPTS,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=found.low > half > 0 and share >= LEAST_SHARE,
        evidence=evidence_of(
            of_task.sample, FORMULA, (last[1], last[0]), found, at_least(last[0], last[1], half), facts
        ),
        title=f"Allow {more} attempts of {of_task.task.name!r} instead of {policy.max_attempts}",
        rationale=(
            f"{len(exhausted)} of {len(runs)} runs used up all attempts. The last one still succeeds in"
            f" {percent(found.estimate)} of the cases, the first retry in {percent(2 * half)}."
        ),
        prediction={"failure_share_now": share, "failure_share": left},
        patch=setting(
            of_task.sample.workflow, of_task.task, "retry", retry_document(replace(policy, max_attempts=more))
        ),
        seconds_a_day=sum(run.seconds for run in exhausted) / of_task.sample.days,
    )


def _is_exhausted(run: TaskRun, most: int, excepted: tuple[str, ...]) -> bool:
    failures = [attempt for attempt in run.attempts if attempt.outcome is Outcome.FAILED]
    if run.outcome is not Outcome.FAILED or len(failures) < most:
        return False
    return failures[-1].code not in excepted and may_be_retried(failures[-1])


def _chance(runs: list[TaskRun], number: int) -> tuple[int, int]:
    """How many of the attempts with this number succeeded, and how many there are. Lost ones are not counted."""
    found = [attempts[number - 1] for run in runs if len(attempts := _told(run)) >= number]
    return sum(one.outcome is Outcome.COMPLETED for one in found), len(found)


def _told(run: TaskRun) -> list[Attempt]:
    return [attempt for attempt in run.attempts if is_told(attempt)]
