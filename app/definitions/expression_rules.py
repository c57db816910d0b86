"""The rules of expressions: each can be compiled, and uses only names that exist whenever its task runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.contracts.json_schemas import MAX_PATTERN_WEIGHT, too_heavy
from app.definitions.secret_rules import UsedSecrets, stored_secret_problems
from app.domain.compensation import compensation_problems
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Invalid, Problem
from app.domain.graph import build_graph, tasks_before
from app.domain.pattern_weights import pattern_weight
from app.expressions.compiling import Compiler, extra_roots_of
from app.expressions.errors import ExpressionError
from app.expressions.expression import Expression
from app.expressions.secrets import secret_name_problem
from app.expressions.template import compile_template, count_expressions, templated_strings

MAX_EXPRESSIONS = 1_000
MAX_CHARACTERS = 200_000
"""The most characters of all texts with expressions. Compiling takes 2 to 4 µs per character."""

MAX_FAULTS = 50
"""After so many expressions that cannot be compiled, the others are not tried."""

_PLAIN = "must be plain JSON: variables hold no expressions; write $${ for ${ itself"
_STORED = "; they are stored, so write ${secrets.NAME} in the config of the task that needs it"


def expression_problems(
    draft: WorkflowDraft, tasks: Sequence[TaskDraft], is_stored: Callable[[TaskDraft], bool], compiler: Compiler
) -> list[Problem]:
    """Every problem of the expressions of `tasks`, and of the variables, which must not contain any. Call it for
    what has no `excess_of_expressions`.

    For a task that is stored unchanged, only the names of tasks and variables are checked: those can change elsewhere.
    """
    found = [
        Problem(f"variables{path}", _PLAIN + (_STORED if "secrets" in text else ""))
        for path, text in templated_strings(draft.variables)
    ]
    known, secrets, faults, weight = _Known.of(draft, tasks), UsedSecrets(), 0, 0
    for index, task in enumerate(tasks):
        for path, expression in _compiled(task, f"tasks[{index}]", compiler):
            if isinstance(expression, str):
                found += [] if is_stored(task) else [Problem(path, expression)]
                faults += 1
            else:
                found += (Problem(path, message) for message in known.misuses(expression, index))
                secrets.add(expression.names.secrets, path)
                found += [] if is_stored(task) else stored_secret_problems(task, path, expression.names.secrets)
                weight += sum(map(pattern_weight, expression.names.patterns))
            if weight > MAX_PATTERN_WEIGHT:
                return [*found, Problem("tasks", f"of all expressions: {too_heavy(weight, MAX_PATTERN_WEIGHT)}")]
            if faults > MAX_FAULTS:
                return found
    return found + secrets.problems(draft.secrets)


def excess_of_expressions(tasks: Sequence[TaskDraft]) -> str | None:
    """What there is too much of, counted before anything is compiled."""
    texts = [text for task in tasks for _, text in templated_strings(task.effective_config)]
    conditions = [text for task in tasks for text in (task.when, task.for_each) if text is not None]
    if (count := len(conditions) + sum(map(count_expressions, texts))) > MAX_EXPRESSIONS:
        return f"hold {count} expressions; the limit is {MAX_EXPRESSIONS}"
    if (count := sum(map(len, (*conditions, *texts)))) > MAX_CHARACTERS:
        return f"hold {count} characters of texts with expressions; the limit is {MAX_CHARACTERS}"
    return None


def _compiled(task: TaskDraft, path: str, compiler: Compiler) -> Iterator[tuple[str, Expression | str]]:
    """Each expression of a task with its path, or the reason why it cannot be compiled."""
    extra_roots = extra_roots_of(task)
    for below, text in templated_strings(task.effective_config):
        template, faults = compile_template(text, extra_roots, compiler.parts)
        yield from ((f"{path}.config{below}", fault.message) for fault in faults)
        yield from ((f"{path}.config{below}", expression) for expression in template.expressions)
    yield from _condition(f"{path}.when", task.when, compiler)
    yield from _condition(f"{path}.for_each", task.for_each, compiler)


def _condition(path: str, text: str | None, compiler: Compiler) -> Iterator[tuple[str, Expression | str]]:
    if text is None:
        return
    try:
        yield path, compiler.condition(text)
    except ExpressionError as error:
        yield path, str(error)


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that exist. Bit i of `before[n]` says that task i has ended when task n runs; None if not known."""

    variables: frozenset[str]
    index_named: Mapping[str, int]
    before: tuple[int, ...] | None

    @classmethod
    def of(cls, draft: WorkflowDraft, tasks: Sequence[TaskDraft]) -> "_Known":
        index_named = {task.name: index for index, task in enumerate(tasks)}
        return cls(frozenset(draft.variables), index_named, _before(draft, tasks))

    def misuses(self, expression: Expression, index: int) -> Iterator[str]:
        names = expression.names
        for name in sorted(names.tasks):
            yield from self._misuse_of_task(name, index)
        for name in sorted(names.variables - self.variables):
            yield f"there is no variable {name!r}{_listed(self.variables)}"
        for name in sorted(names.secrets):
            if problem := secret_name_problem(name):
                yield problem

    def _misuse_of_task(self, name: str, index: int) -> Iterator[str]:
        named = self.index_named.get(name)
        if named is None:
            yield f"no task of this workflow is named {name!r}"
        elif self.before is not None and self.before[index] >> named & 1:
            return
        elif named == index:
            yield f"{name!r} is the task itself: it has no output before it has run"
        elif self.before is not None:
            yield f"task {name!r} need not have ended when this one starts; let this one come after it"


def _before(draft: WorkflowDraft, tasks: Sequence[TaskDraft]) -> tuple[int, ...] | None:
    """For each task, the tasks that have ended before it; None if the order is invalid, which is reported first.

    In a routed workflow any task may have run before any other and before itself, so all can be named.
    """
    if draft.start_task is not None:
        return ((1 << len(tasks)) - 1,) * len(tasks)
    if len({task.name for task in tasks}) < len(tasks) or compensation_problems(tasks):
        return None
    try:
        return tasks_before(build_graph(tasks), tasks)
    except Invalid:
        return None


def _listed(names: frozenset[str]) -> str:
    return f"; there are {', '.join(sorted(names)[:20])}" if names else ": the workflow has none"
