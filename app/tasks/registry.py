"""All task types of this process: the built-in ones and those of installed packages."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from pydantic import ValidationError

from app.domain.calls import CALLING_TYPE
from app.domain.definitions import TaskDraft
from app.domain.entity_moves import EntityMoves
from app.domain.errors import Problem
from app.domain.handlers import ENTITY_STATE, Handler
from app.domain.json_values import MAX_DEPTH, storage_problems
from app.expressions.template import templated_paths
from app.tasks.child_workflow import workflow_type
from app.tasks.delay import delay_type
from app.tasks.entity_state import entity_state_type
from app.tasks.functions import TaskFunction, available, load_functions
from app.tasks.http.handler import http_types
from app.tasks.kafka import NO_KAFKA, KafkaOptions, kafka_type
from app.tasks.log import log_type
from app.tasks.plugins import PluginError, load_plugins
from app.tasks.python import python_type
from app.tasks.rights import ANY
from app.tasks.signal import signal_type
from app.tasks.task_type import TaskOptions, TaskType, is_open, model_problems
from app.tasks.transform import transform_type
from app.tasks.transition import LateEntityMoves, transition_type

TASK_TYPES_GROUP = "workflow.task_types"
DEFAULT_TYPE = "log"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TaskTypeRegistry:
    """Checks configs when workflows are saved, and returns handlers when tasks run. A task without a type is a `log`.

    - type_names: of the task types
    - function_names: of the functions that `python` tasks of any tenant can call

    Threads and connections are opened when a task first needs them; `close` closes them.
    """

    def __init__(self, types: Mapping[str, TaskType], functions: Collection[str] = ()) -> None:
        self._types = dict(types)
        self.type_names = tuple(sorted(types))
        self.function_names = tuple(sorted(functions))

    def handler(self, type: str | None) -> Handler | None:
        found = self._types.get(DEFAULT_TYPE if type is None else type)
        return None if found is None else found.handler

    def config_problems(self, task: TaskDraft, path: str = "", tenant: str = "") -> list[Problem]:
        """Every problem of `type` and `config`, and what the tenant with this key may not use."""
        dot = f"{path}." if path else ""
        task_type = self._types.get(DEFAULT_TYPE if task.type is None else task.type)
        if task_type is None:
            known = ", ".join(sorted(self._types))
            return [Problem(f"{dot}type", f"{task.type!r} is not a known task type; known: {known}")]
        unstorable = list(storage_problems(task.config, f"{dot}config", MAX_DEPTH))
        return unstorable or _misfits(task_type, task, dot, tenant)

    async def close(self) -> None:
        """Close every type, even if closing another one fails. Can be called twice."""
        async with AsyncExitStack() as closing:
            for task_type in self._types.values():
                closing.push_async_callback(task_type.close)


def _misfits(task_type: TaskType, task: TaskDraft, dot: str, tenant: str) -> list[Problem]:
    """Problems of the config; values that come from expressions are checked when the task runs."""
    config = task.effective_config
    open_places = templated_paths(config)
    try:
        parsed = task_type.config.model_validate(dict(config))
    except ValidationError as error:
        return model_problems(task_type.config, error, f"{dot}config", open_places)
    return [
        Problem(dot + problem.path, problem.message)
        for problem in (*task_type.check(parsed), *task_type.tenant_check(parsed, tenant))
        if not is_open(problem.path.removeprefix("config"), open_places)
    ]


def build_registry(
    options: TaskOptions,
    now: Callable[[], datetime] = _utc_now,
    kafka: KafkaOptions = NO_KAFKA,
    entities: EntityMoves | None = None,
) -> TaskTypeRegistry:
    """Import the modules of the options and the entry points of installed packages.

    An entry point of the group `workflow.task_types` is a function without parameters that returns a `TaskType`; the
    name of the entry point is the name of the type. `now` returns the current time, aware, in UTC. `kafka` are the
    options of `kafka` tasks, `entities` moves entities for `transition` tasks. Raise `PluginError` when a module or an
    entry point cannot be used.
    """
    functions = _functions_by_tenant(options)
    types = {
        "log": log_type(),
        "delay": delay_type(),
        "kafka": kafka_type(kafka),
        ENTITY_STATE: entity_state_type(),
        "signal": signal_type(),
        "transform": transform_type(),
        "transition": transition_type(entities or LateEntityMoves()),
        CALLING_TYPE: workflow_type(),
        **http_types(options.http, now),
        "python": python_type(functions, options.python_threads, _unlimited(options)),
    }
    for name, make in load_plugins(TASK_TYPES_GROUP):
        if name in types:
            raise PluginError(f"entry point {name!r} of {TASK_TYPES_GROUP}: the name is taken")
        types[name] = _made(name, make)
    return TaskTypeRegistry(types, {name for of_tenant in functions.values() for name in of_tenant})


def _functions_by_tenant(options: TaskOptions) -> dict[str, Mapping[str, TaskFunction]]:
    functions = load_functions(options.python_modules)
    return {tenant: available(functions, names, tenant) for tenant, names in options.functions.items()}


def _unlimited(options: TaskOptions) -> frozenset[str]:
    return frozenset(tenant for tenant, names in options.functions.items() if ANY in names)


def _made(name: str, make: Callable[[], TaskType]) -> TaskType:
    try:
        made = make()
    except Exception as error:
        raise PluginError(f"entry point {name!r} of {TASK_TYPES_GROUP}: {type(error).__name__}: {error}") from error
    if not isinstance(made, TaskType):
        raise PluginError(f"entry point {name!r} of {TASK_TYPES_GROUP} returns no TaskType")
    return made
