"""What a failed statement means to those who define workflows."""

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError

from app.adapters.database.definition_errors import service_errors
from app.domain.errors import Unavailable


def raised_by_sqlalchemy(cause: Exception) -> DBAPIError:
    """As it raises what the driver raises."""
    driver = AsyncAdapt_asyncpg_dbapi(asyncpg)
    translated = driver._asyncpg_error_translate[type(cause)](str(cause), cause)
    translated.__cause__ = cause
    error = DBAPIError.instance("ROLLBACK", None, translated, driver.Error)
    assert isinstance(error, DBAPIError)
    return error


def test_a_connection_that_the_server_has_ended_is_unavailable():
    """Seen while the database restarted: the driver had read the end of the session, but not that of the connection."""
    cause = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    with pytest.raises(Unavailable), service_errors():
        raise raised_by_sqlalchemy(cause)


def test_a_defect_of_a_statement_is_none_of_the_database():
    cause = asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed")
    with pytest.raises(DBAPIError), service_errors():
        raise raised_by_sqlalchemy(cause)
