"""Which findings become suggestions: against nonsense, and against too many of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.insights.bounds import accepted
from app.insights.findings import Finding
from app.insights.ports import Choice, NewSuggestion
from app.insights.suggestions import Evidence, Rule, Source, Status, Suggestion

FALSE_RATE = 0.05
"""Of all that are suggested in one run, at most this part may be due to chance."""
MOST_SHOWN = 3
"""So many of a workflow are open at the same time."""
FIRST_DAYS = 7
SILENT_DAYS = 30

Place = tuple[int, int | None, str]


def worthy(findings: Sequence[Finding], now: datetime, others: Sequence[float] = ()) -> list[Finding]:
    """Those of one run, of all workflows, that hold, also against each other. None of a workflow's first days.

    others: the p-values of the other candidates of the run.
    """
    kept = accepted([*(one.evidence.p_value for one in findings), *others], FALSE_RATE)[: len(findings)]
    young = now - timedelta(days=FIRST_DAYS)
    return [one for one, is_kept in zip(findings, kept, strict=True) if one.holds and is_kept and _born(one) <= young]


def _born(finding: Finding) -> datetime:
    return finding.workflow.created_at


def choice_of(found: Sequence[Finding], known: Sequence[Suggestion], now: datetime) -> Choice:
    """What to store of one workflow.

    found: what holds.
    known: what is open, and what was decided in the last 30 days.
    """
    by_place = {one.place: one for one in found}
    opened = {_place(one): one for one in known if one.status is Status.OPEN and _is_computed(one)}
    kept = {place: one for place, one in opened.items() if place in by_place}
    silent = list(_silent(known, by_place, now))
    fresh = [one for place, one in by_place.items() if place not in kept and place not in silent]
    fresh.sort(key=lambda one: (-one.seconds_a_day, one.evidence.p_value, str(one.place)))
    room = max(MOST_SHOWN - sum(one.status is Status.OPEN for one in known), 0)
    room += len(opened) - len(kept)
    return Choice(
        new=[new_suggestion(one) for one in fresh[: min(room, MOST_SHOWN)]],
        refreshed={one.id: new_suggestion(by_place[place]) for place, one in kept.items()},
        stale=[one.id for place, one in opened.items() if place not in kept],
    )


def new_suggestion(finding: Finding) -> NewSuggestion:
    task = finding.task
    return NewSuggestion(
        workflow_id=finding.workflow.id,
        task_id=None if task is None else task.id,
        task=None if task is None else task.name,
        rule=finding.rule.value,
        source=Source.HISTORY,
        title=finding.title,
        rationale=finding.rationale,
        patch=finding.patch,
        prediction=finding.prediction,
        evidence=finding.evidence,
        seconds_a_day=finding.seconds_a_day,
    )


def by_workflow(findings: Sequence[Finding]) -> Mapping[int, Sequence[Finding]]:
    found: defaultdict[int, list[Finding]] = defaultdict(list)
    for one in findings:
        found[one.workflow.id].append(one)
    return found


def _place(suggestion: Suggestion) -> Place:
    return suggestion.workflow_id, suggestion.task_id, suggestion.rule


def _is_computed(suggestion: Suggestion) -> bool:
    return suggestion.source is Source.HISTORY and suggestion.rule != Rule.UNDO


def _silent(known: Sequence[Suggestion], found: Mapping[Place, Finding], now: datetime) -> Iterator[Place]:
    """The places about which someone has said no, or has taken it back, not long ago."""
    since = now - timedelta(days=SILENT_DAYS)
    for one in known:
        said_no = one.status in (Status.REJECTED, Status.UNDONE) and (one.decided_at or now) >= since
        finding = found.get(_place(one))
        if said_no and finding is not None and not _has_doubled(one.evidence, finding.evidence):
            yield _place(one)


def _has_doubled(before: Evidence | None, now: Evidence) -> bool:
    """Whether there are twice as many cases as when it was decided."""
    return before is None or weight(now) >= 2 * max(weight(before), 1)


def weight(evidence: Evidence) -> int:
    """The cases that count; all of them, for a formula that counts none."""
    return evidence.k or evidence.n
