"""Looks at what approved suggestions have changed, and suggests to take back what has made it worse."""

from collections.abc import Sequence

from app.domain.definitions import Workflow
from app.insights.effects import Runs, Verdict, effect_of, next_look
from app.insights.news import SuggestionNews
from app.insights.ports import Choice, Histories, NewSuggestion, SuggestionStore
from app.insights.samples import Execution, Sample, TaskRun
from app.insights.sampling import Sampler, Taken
from app.insights.shapes import Shapes
from app.insights.suggestions import Rule, Source, Status, Suggestion


class Aftermath:
    """Looks after 30, 100 and 300 executions.

    sampler: reads the sample from before the change again.
    """

    def __init__(self, store: SuggestionStore, histories: Histories, sampler: Sampler) -> None:
        self._store = store
        self._histories = histories
        self._sampler = sampler

    async def look(self, tenant_id: int, taken: Taken, known: Sequence[Suggestion]) -> Sequence[SuggestionNews]:
        """Note the effects that are due; return the suggestions to take something back."""
        new: list[SuggestionNews] = []
        for one in known:
            if one.status is Status.APPROVED and one.applied_revision is not None and one.evidence is not None:
                new += await self._look(tenant_id, taken, one)
        return new

    async def _look(self, tenant_id: int, taken: Taken, suggestion: Suggestion) -> Sequence[SuggestionNews]:
        after = _after(taken, suggestion)
        seen = 0 if suggestion.effect is None else int(suggestion.effect["executions"])
        look = next_look(seen, len(after))
        if look is None:
            return ()
        effect = effect_of(suggestion.rule, await self._before(tenant_id, suggestion), after, look)
        await self._store.note_effect(tenant_id, suggestion.id, effect)
        if effect["verdict"] != Verdict.WORSE.value or suggestion.inverse is None:
            return ()
        return await self._store.choose(tenant_id, Choice(new=[_undo(suggestion, look)]))

    async def _before(self, tenant_id: int, suggestion: Suggestion) -> Runs:
        evidence = suggestion.evidence
        assert evidence is not None
        found = await self._histories.revisions(tenant_id, suggestion.workflow_id, [evidence.revision])
        if not found:
            return ()
        return _runs(await self._sampler.of(tenant_id, found[0], evidence), found[0], suggestion)


def _after(taken: Taken, suggestion: Suggestion) -> Runs:
    """The runs since the approval, while the task has the shape that the approval gave it."""
    revision = suggestion.applied_revision
    applied = taken.revisions.get(revision or 0)
    if applied is None or revision is None:
        return ()
    return [one for one in _runs(taken, applied, suggestion) if one[0].revision >= revision]


def _runs(taken: Taken, at: Workflow, suggestion: Suggestion) -> Runs:
    """The runs of the task in executions in which it has the shape that it has in revision `at`.

    What is about the whole execution has one run for each.
    """
    sample = Sample(at, taken.sample.executions, (), taken.sample.now)
    shapes = Shapes(sample, {**taken.revisions, at.revision: at})
    if suggestion.rule == Rule.RUN_SIDE_BY_SIDE:
        return [(one, _any_run(one)) for one in shapes.of_workflow().executions if one.runs]
    task = next((task for task in at.tasks if task.id == suggestion.task_id), None)
    return [] if task is None else shapes.of_task(task).runs


def _any_run(execution: Execution) -> TaskRun:
    return next(iter(execution.runs.values()))[0]


def _undo(suggestion: Suggestion, look: int) -> NewSuggestion:
    task = "" if suggestion.task is None else f" of {suggestion.task!r}"
    return NewSuggestion(
        workflow_id=suggestion.workflow_id,
        task_id=suggestion.task_id,
        task=suggestion.task,
        rule=Rule.UNDO.value,
        source=Source.HISTORY,
        title=f"Take back suggestion {suggestion.id}{task}: it has made things worse",
        rationale=f"Of the first {look} executions with the change, more went worse than chance explains.",
        patch=suggestion.inverse,
        prediction={},
        evidence=None,
        undoes_id=suggestion.id,
    )
