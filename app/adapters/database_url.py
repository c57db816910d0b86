"""The forms of DATABASE_URL: an embedded database in a folder, one in memory, or the address of a server."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

DEFAULT_FOLDER = ".workflow"
FORMS = "use file:FOLDER, memory:, or postgresql+asyncpg://user:password@host:port/database"
SERVER_FORM = (
    "write postgresql+asyncpg://user:password@host:port/database, with special characters of the password "
    "percent-encoded"
)
SERVER_SCHEMES = {"postgresql+asyncpg", "postgresql", "postgres"}
SERVER_OPTIONS = {"ssl", "host", "port", "target_session_attrs"}
SEVERAL = {"host", "port"}


class StorageError(Exception):
    """The storage named by DATABASE_URL cannot be used; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class FolderAddress:
    """An embedded database whose data outlives the process. `path` is absolute."""

    path: Path


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """An embedded database that is gone when the process ends."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server that this program does not run itself. `url` is `postgresql+asyncpg://…` as SQLAlchemy reads it."""

    url: str


StorageAddress = FolderAddress | MemoryAddress | ServerAddress


def parse_database_url(text: str | None) -> StorageAddress:
    """Raise `StorageError` for a form that is not supported; the message never holds a password."""
    text = (text or "").strip() or f"file:{DEFAULT_FOLDER}"
    if text == "memory:":
        return MemoryAddress()
    scheme, _, rest = text.partition(":")
    if scheme == "file":
        return _folder(rest)
    if scheme in SERVER_SCHEMES:
        return ServerAddress(_server_url(text))
    raise StorageError(f"DATABASE_URL starts with {scheme!r}, which is not supported; {FORMS}.")


def _folder(path: str) -> FolderAddress:
    path = path.removeprefix("//")
    if not path:
        raise StorageError("DATABASE_URL is file: without a folder; write for example file:.workflow.")
    return FolderAddress(Path(path).expanduser().absolute())


def _server_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        hosts = _hosts(parts)
    except ValueError:  # its text may quote a part of the password
        raise StorageError(f"DATABASE_URL is not a valid address; {SERVER_FORM}.") from None
    if not all(hosts) or not parts.netloc + parts.query:
        raise StorageError(f"DATABASE_URL names no host; {SERVER_FORM}.")
    return parts._replace(scheme="postgresql+asyncpg", query=urlencode(_options(parts))).geturl()


def _hosts(parts: SplitResult) -> list[str]:
    """The hosts before the path; one that is named only by its port is empty. Raise `ValueError` for a wrong port."""
    spots = [urlsplit(f"//{spot}") for spot in parts.netloc.rpartition("@")[2].split(",")]
    ports = [spot.port for spot in spots]
    return [spot.hostname or "" for spot in spots if len(spots) > 1 or ports != [None]]


def _options(parts: SplitResult) -> list[tuple[str, str]]:
    """The query's options. libpq's `sslmode` and the driver's `ssl` are the same option with the same values."""
    options = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
    unknown = [name for name, _ in options if name not in SERVER_OPTIONS]
    if unknown:
        known = ", ".join(sorted(SERVER_OPTIONS))
        raise StorageError(f"DATABASE_URL has the option {unknown[0]!r}, which is not supported; there are {known}.")
    return [(name, ",".join(values)) for name, values in _gathered(options).items()]


def _gathered(options: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Several hosts are one list, written as `host=a,b` or as `host=a&host=b`; of any other option the last counts."""
    found: dict[str, list[str]] = {}
    for name, value in options:
        found[name] = [*found.get(name, []), value] if name in SEVERAL else [value]
    return found


def driver_dsn(url: str) -> str:
    """`postgresql+asyncpg://…` in the form that asyncpg itself reads: another scheme, and `sslmode` for `ssl`."""
    parts = urlsplit(url)
    query = urlencode([("sslmode" if name == "ssl" else name, value) for name, value in parse_qsl(parts.query)])
    return parts._replace(scheme="postgresql", query=query).geturl()


def place(url: str) -> str:
    """`host:port/database` of a server's address, or `host:port,host:port/database`: what may be shown to people."""
    parts = urlsplit(url)
    spots = [urlsplit(f"//{spot}") for spot in parts.netloc.rpartition("@")[2].split(",")]
    return ",".join(f"{spot.hostname or 'localhost'}:{spot.port or 5432}" for spot in spots) + parts.path
