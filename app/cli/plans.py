"""What an execution is going to do: its workflow's name and the tasks of its revision, read over REST."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.cli.names import PATIENCE_SECONDS
from app.client.errors import ClientError
from app.client.rest_client import RestClient


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one execution.

    workflow: the workflow's key, or its name if it has no key.
    tasks: id and name of each task, in the order of the definition, without those that only undo others.
    """

    workflow: str
    tasks: Sequence[tuple[str, str]]


def read_plan(rest_url: str, execution_id: str) -> Plan | None:
    """None if the service at `rest_url` does not respond in time, or does not know the execution."""
    try:
        with RestClient(rest_url, PATIENCE_SECONDS) as service:
            execution = service.execution(execution_id)
            revision = service.revision(str(execution["workflow_id"]), execution["revision"])
    except ClientError:
        return None
    undoing = {name for task in revision["tasks"] for name in task.get("compensate", ())}
    tasks = [(str(task["id"]), str(task["name"])) for task in revision["tasks"] if task["name"] not in undoing]
    return Plan(str(revision["key"] or revision["name"]), tasks)
