"""The embedded PostgreSQL server, and `open_storage` for any DATABASE_URL. Processes and `wiring` import it."""

from app.adapters.database_url import StorageError
from app.adapters.embedded.storage import open_storage

__all__ = ["StorageError", "open_storage"]
