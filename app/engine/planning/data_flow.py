"""Compiles and evaluates the expressions of a task: its config, its condition, and the list that it runs over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.definitions import Config, TaskDraft
from app.engine.ports import UnusableSecret
from app.expressions.compiling import Compiler, extra_roots_of
from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import Expression
from app.expressions.limits import Meter
from app.expressions.template import Template, compile_template

MAX_ELEMENTS = 10_000


@dataclass(frozen=True, slots=True)
class TaskFlow:
    """The compiled expressions of a task.

    - config: the config, with its expressions
    - when: the condition; None when the task always runs
    - for_each: the list over which the task runs; None when it runs once
    - max_concurrency: how many elements may run at the same time; None means no limit
    - names: the tasks that the expressions use
    - secrets: the secrets that the expressions use
    - fault: why an expression cannot be compiled; it fails the task. Only a definition that was stored by another
      version of this program can have one
    - is_plain: true when nothing has to be evaluated
    - kept: a cache in which handlers store what they compute from the config; None when the config has expressions
    """

    config: Template
    when: Expression | None
    for_each: Expression | None
    max_concurrency: int | None
    names: frozenset[str]
    secrets: frozenset[str]
    fault: EvaluationError | None
    is_plain: bool
    kept: dict[Any, Any] | None

    @property
    def variables(self) -> frozenset[str]:
        """The variables that the expressions use."""
        used = (*self.config.expressions, self.when, self.for_each)
        return frozenset().union(*(expression.names.variables for expression in used if expression is not None))


@dataclass(frozen=True, slots=True)
class Data:
    """The data that expressions can use.

    - input: the input of the execution
    - execution: facts about the execution
    - workflow: facts about the workflow
    - variables: the variables of the workflow
    - task: `task(name)` returns `{"output", "status"}`
    - secret: `secret(name)` returns the value, or None when the secret is not set; it can raise `UnusableSecret`
    """

    input: Any
    execution: Mapping[str, Any]
    workflow: Mapping[str, Any]
    variables: Config
    task: Callable[[str], Mapping[str, Any]]
    secret: Callable[[str], str | None]

    def scope(self, flow: TaskFlow) -> dict[str, Any]:
        """The data by root name, with only those tasks and secrets that `flow` uses: reading all would cost more.

        Raise `EvaluationError` when a secret is not set or cannot be used.
        """
        return {
            "input": self.input,
            "tasks": {name: self.task(name) for name in flow.names},
            "execution": self.execution,
            "workflow": self.workflow,
            "vars": self.variables,
            "secrets": {name: self._known_secret(name) for name in flow.secrets},
        }

    def _known_secret(self, name: str) -> str:
        try:
            value = self.secret(name)
        except UnusableSecret as error:
            raise EvaluationError(f"secrets.{name}", str(error)) from None
        if value is None:
            raise EvaluationError(f"secrets.{name}", "this secret is not set where the task runs")
        return value


def compile_flow(task: TaskDraft, compiler: Compiler | None = None) -> TaskFlow:
    """Compile the expressions of `task`. An expression that cannot be compiled becomes the flow's `fault`."""
    compiler = compiler or Compiler()
    template, faults = compile_template(task.effective_config, extra_roots_of(task), compiler.parts)
    found = [EvaluationError(fault.source, fault.message) for fault in faults]
    when, for_each = (_condition(text, found, compiler) for text in (task.when, task.for_each))
    used = [*template.expressions, *(expression for expression in (when, for_each) if expression is not None)]
    return TaskFlow(
        config=template,
        when=when,
        for_each=for_each,
        max_concurrency=task.max_concurrency,
        names=frozenset().union(*(expression.names.tasks for expression in used)),
        secrets=frozenset().union(*(expression.names.secrets for expression in used)),
        fault=found[0] if found else None,
        is_plain=not used and not found,
        kept=None if used else {},
    )


def _condition(text: str | None, found: list[EvaluationError], compiler: Compiler) -> Expression | None:
    try:
        return None if text is None else compiler.condition(text)
    except ExpressionError as error:
        found.append(EvaluationError(text or "", str(error)))
        return None


def condition_holds(flow: TaskFlow, scope: Mapping[str, Any], meter: Meter) -> bool:
    """Whether the task is to run. Raise `EvaluationError`, also when the condition's value is not a boolean."""
    if flow.when is None:
        return True
    value = flow.when.evaluate(scope, meter)
    if not isinstance(value, bool):
        raise EvaluationError(flow.when.source, "is neither true nor false")
    return value


def elements_of(expression: Expression, scope: Mapping[str, Any], meter: Meter) -> list[Any]:
    """The elements that a task runs for. Raise `EvaluationError` when the value is not a list, or is too long."""
    value = expression.evaluate(scope, meter)
    if not isinstance(value, list):
        raise EvaluationError(expression.source, "is not a list")
    if len(value) > MAX_ELEMENTS:
        raise EvaluationError(expression.source, f"has {len(value)} elements; the limit is {MAX_ELEMENTS}")
    return value
