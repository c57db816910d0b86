"""Which errors mean that the database is unreachable, so that the same call may succeed later.

SQLSTATE classes and codes are those of PostgreSQL's documentation, appendix A.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.engine.ports import StoreUnreachable

SQLSTATES = (
    "08",  # the connection was refused or lost
    "25006",  # the server has become a standby
    "28",  # it refuses this login, until an operator corrects the password or the rules
    "3D",  # the database does not exist, until an operator restores it
    "40",  # the transaction was rolled back: a deadlock, a serialization failure
    "53",  # disk, memory or connections are used up
    "55P03",  # a lock was not available in time
    "57",  # an operator or a shutdown has ended the statement, or the server is still starting
    "58",  # the server's own disk or system failed
)
"""Classes and codes of temporary errors."""

_WITHOUT_STATE = (
    OSError,  # TimeoutError, too
    asyncpg.InterfaceError,  # the driver raises it for a closed connection
    asyncpg.InternalClientError,  # a connection that the server has ended, before the driver has noticed
)

_MISUSE = ("the server expects ", "the number of query arguments ")
"""How the messages of an `InterfaceError` begin when the arguments of a statement are wrong."""

NO_CONNECTION = (*_WITHOUT_STATE, asyncpg.PostgresError)
"""While a connection is opened, any error of the server means that there is no connection."""


def is_unreachable(error: BaseException) -> bool:
    """True for an error of asyncpg or the system that means that the database is unreachable."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(SQLSTATES)
    # asyncpg has no error class for wrong arguments: the error is a ValueError, too, or only its message says so.
    is_misuse = isinstance(error, ValueError) or str(error).startswith(_MISUSE)
    return isinstance(error, _WITHOUT_STATE) and not is_misuse


@contextmanager
def reaching() -> Iterator[None]:
    """Raise `StoreUnreachable` for any error that means that the database is unreachable; let others pass unchanged."""
    try:
        yield
    except Exception as error:
        if not is_unreachable(error):
            raise
        raise _unreachable(error) from error


@contextmanager
def opening() -> Iterator[None]:
    """As `reaching`, for code that opens a connection: any refusal counts as unreachable there."""
    try:
        yield
    except NO_CONNECTION as error:
        raise _unreachable(error) from error


def _unreachable(error: BaseException) -> StoreUnreachable:
    return StoreUnreachable(f"the database does not answer: {str(error) or type(error).__name__}")
