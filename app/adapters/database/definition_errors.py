"""Translates errors of statements into errors of the definition service."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.adapters.unreachable import is_unreachable
from app.domain.errors import Conflict, ServiceError, Unavailable

TAKEN = {
    "uq_workflows_tenant_id_key": Conflict("key", "this key belongs to another workflow"),
    "uq_tasks_workflow_id_name": Conflict("name", "this name belongs to another task of the workflow"),
}


@contextmanager
def service_errors() -> Iterator[None]:
    """Raise `Conflict` for a key or name that is in use, `Unavailable` for a temporary error, any other unchanged."""
    try:
        yield
    except Exception as error:
        expected = _meaning(error)
        if expected is None:
            raise
        raise expected from error


def _meaning(error: Exception) -> ServiceError | None:
    cause = _cause(error)
    if isinstance(error, IntegrityError):
        taken = TAKEN.get(getattr(cause, "constraint_name", ""))
        return None if taken is None else Conflict(taken.field, taken.message)
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_lost or isinstance(error, PoolTimeout) or is_unreachable(cause):
        return Unavailable("the database does not answer")
    return None


def _cause(error: Exception) -> BaseException:
    """The error of asyncpg. SQLAlchemy wraps it in two errors of its own."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
