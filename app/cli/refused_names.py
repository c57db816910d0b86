"""When the service does not know a name that was typed: the names that are near to it, read over REST."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from app.cli.errors import CliError
from app.cli.execution_ids import found_over_rest
from app.cli.names import PATIENCE_SECONDS
from app.cli.near_names import did_you_mean
from app.client.errors import ClientError
from app.client.rest_client import RestClient

_NO_TASK = re.compile(r"no task of the execution's revision \d+ is named (['\"])(.+)\1")
_QUOTED = re.compile(r"(['\"])(.+?)\1")

Names = Callable[[RestClient], Iterator[str]]


def _workflow_keys(service: RestClient) -> Iterator[str]:
    return (found["key"] for found in service.workflows() if found["key"] is not None)


def _schedule_keys(service: RestClient) -> Iterator[str]:
    return (found["key"] for found in service.schedules() if found["key"] is not None)


_KEYS: Mapping[str, Names] = {"workflow_not_found": _workflow_keys, "schedule_not_found": _schedule_keys}


@contextmanager
def near_keys(rest_url: str) -> Iterator[None]:
    """Add the near keys to the error about a workflow or schedule that the service does not know."""
    try:
        yield
    except ClientError as error:
        named = _QUOTED.search(error.message)
        if error.code in _KEYS and named and (near := _near(rest_url, named[2], _KEYS[error.code])):
            raise CliError(error.message + near) from None
        raise


@contextmanager
def near_tasks(rest_url: str, execution: str) -> Iterator[None]:
    """Add the near task names to the error about a task that the execution does not have.

    `execution` is what was typed. A short id is enough: the error shows that an execution was found.
    """
    try:
        yield
    except ClientError as error:
        named = _NO_TASK.search(error.message)
        if named and (near := _near(rest_url, named[2], lambda service: _task_names(service, execution))):
            raise CliError(error.message + near) from None
        raise


def _task_names(service: RestClient, execution: str) -> Iterator[str]:
    return (task["name"] for task in service.tasks(found_over_rest(service, execution)))


def _near(rest_url: str, name: str, names: Names) -> str:
    """Empty if no name is near, or if the service does not respond."""
    try:
        with RestClient(rest_url, PATIENCE_SECONDS) as service:
            return did_you_mean(name, names(service))
    except (ClientError, CliError):
        return ""
