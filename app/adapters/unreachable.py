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
    "57",  # an operator or a shutdown has ended the statement, or the server is just starting
    "58",  # the server's own disk or system failed
)
"""Classes and codes of errors that pass."""

_WITHOUT_STATE = (
    OSError,  # TimeoutError, too
    asyncpg.InterfaceError,  # the driver's own word for a connection that is closed
    asyncpg.InternalClientError,  # a connection that the server has ended, before the driver has noticed
)

_MISUSE = ("the server expects ", "the number of query arguments ")
"""How the messages of the driver's other errors of the same class begin: those of statements with wrong arguments."""

NO_CONNECTION = (*_WITHOUT_STATE, asyncpg.PostgresError)
"""While connecting, any refusal of the server means that there is no connection."""


def is_unreachable(error: BaseException) -> bool:
    """True for an error of asyncpg or the system that says that the database does not answer."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(SQLSTATES)
    # asyncpg has no class of its own for arguments that do not fit: a ValueError also says so, or only the message.
    is_misuse = isinstance(error, ValueError) or str(error).startswith(_MISUSE)
    return isinstance(error, _WITHOUT_STATE) and not is_misuse


@contextmanager
def reaching() -> Iterator[None]:
    """Turn every way in which a database can fail to answer into `StoreUnreachable`."""
    try:
        yield
    except Exception as error:
        if not is_unreachable(error):
            raise
        raise _unreachable(error) from error


@contextmanager
def opening() -> Iterator[None]:
    """As `reaching`, where a connection is opened."""
    try:
        yield
    except NO_CONNECTION as error:
        raise _unreachable(error) from error


def _unreachable(error: BaseException) -> StoreUnreachable:
    return StoreUnreachable(f"the database does not answer: {str(error) or type(error).__name__}")
