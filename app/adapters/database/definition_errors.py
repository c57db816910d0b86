"""What a failed statement means to the definition service."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import Conflict, ServiceError, Unavailable

TAKEN = {
    "uq_workflows_key": Conflict("key", "this key belongs to another workflow"),
    "uq_tasks_workflow_id_name": Conflict("name", "this name belongs to another task of the workflow"),
}

# Connection lost or refused, resources, shutdown, deadlock, lock timeout, and a server that has become a standby.
PASSING = ("08", "28", "3D", "53", "57P", "40001", "40P01", "55P03", "25006")


@contextmanager
def service_errors() -> Iterator[None]:
    """Raise `Conflict` for a taken key or name and `Unavailable` for what may pass; let everything else through."""
    try:
        yield
    except DBAPIError as error:
        expected = _meaning(error)
        if expected is None:
            raise
        raise expected from error
    except (PoolTimeout, OSError) as error:
        raise Unavailable("the database does not answer") from error


def _meaning(error: DBAPIError) -> ServiceError | None:
    if error.connection_invalidated or _sqlstate(error).startswith(PASSING) or _is_unsent(error):
        return Unavailable("the database does not answer")
    if isinstance(error, IntegrityError):
        taken = TAKEN.get(getattr(error.orig.__cause__, "constraint_name", "")) if error.orig else None
        return None if taken is None else Conflict(taken.field, taken.message)
    return None


def _is_unsent(error: DBAPIError) -> bool:
    """The server has said goodbye, and the driver has not yet noticed the end of the connection."""
    return error.orig is not None and isinstance(error.orig.__cause__, asyncpg.InternalClientError)


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
