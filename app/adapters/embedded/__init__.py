"""The embedded PostgreSQL, and the one way to open whatever DATABASE_URL names."""

from app.adapters.database_url import StorageError
from app.adapters.embedded.storage import open_storage

__all__ = ["StorageError", "open_storage"]
