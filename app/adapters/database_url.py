"""The forms of DATABASE_URL: an embedded database in a folder, one in memory, or the address of a server."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

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
    """The storage that DATABASE_URL names cannot be used. The message is one sentence for the user."""


class StorageLost(Exception):
    """The storage has worked, and does not any more. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class FolderAddress:
    """An embedded database whose data remains when the process ends.

    path: the folder with the data; absolute.
    """

    path: Path


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """An embedded database whose data is removed when the process ends."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server that this program does not run itself.

    url: `postgresql+asyncpg://…`, in the form that SQLAlchemy reads.
    """

    url: str


StorageAddress = FolderAddress | MemoryAddress | ServerAddress


def parse_database_url(text: str | None, name: str = "DATABASE_URL") -> StorageAddress:
    """Raise `StorageError` for a form that is not supported. The message has the setting's name, never a password."""
    text = (text or "").strip() or f"file:{DEFAULT_FOLDER}"
    if text == "memory:":
        return MemoryAddress()
    scheme, _, rest = text.partition(":")
    if scheme == "file":
        return _folder(rest, name)
    if scheme in SERVER_SCHEMES:
        return ServerAddress(_server_url(text, name))
    raise StorageError(f"{name} starts with {scheme!r}, which is not supported; {FORMS}.")


def server_url(text: str, name: str) -> str:
    """The address of a server, for a setting that takes no other form. Raise `StorageError`."""
    address = parse_database_url(text, name)
    if not isinstance(address, ServerAddress):
        raise StorageError(f"{name} must name a server: postgresql+asyncpg://user:password@host/database.")
    return address.url


def _folder(path: str, name: str) -> FolderAddress:
    path = path.removeprefix("//")
    if not path:
        raise StorageError(f"{name} is file: without a folder; write for example file:.workflow.")
    return FolderAddress(Path(path).expanduser().absolute())


def _server_url(text: str, name: str) -> str:
    try:
        parts = urlsplit(text)
        hosts = _hosts(parts)
    except ValueError:  # its text may quote a part of the password
        raise StorageError(f"{name} is not a valid address; {SERVER_FORM}.") from None
    if not all(hosts) or not parts.netloc + parts.query:
        raise StorageError(f"{name} names no host; {SERVER_FORM}.")
    return parts._replace(scheme="postgresql+asyncpg", query=urlencode(_options(parts, name))).geturl()


def _hosts(parts: SplitResult) -> list[str]:
    """The hosts in the address; "" for a port without a host. Raise `ValueError` for a port that is not valid."""
    spots = [urlsplit(f"//{spot}") for spot in parts.netloc.rpartition("@")[2].split(",")]
    ports = [spot.port for spot in spots]
    return [spot.hostname or "" for spot in spots if len(spots) > 1 or ports != [None]]


def _options(parts: SplitResult, setting: str) -> list[tuple[str, str]]:
    """The options after `?`. libpq's `sslmode` and the driver's `ssl` are the same option with the same values."""
    options = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
    unknown = [name for name, _ in options if name not in SERVER_OPTIONS]
    if unknown:
        known = ", ".join(sorted(SERVER_OPTIONS))
        raise StorageError(f"{setting} has the option {unknown[0]!r}, which is not supported; there are {known}.")
    return [(name, ",".join(values)) for name, values in _gathered(options).items()]


def _gathered(options: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each option: all of `host` and `port`, so that `host=a,b` equals `host=a&host=b`; else the last."""
    found: dict[str, list[str]] = {}
    for name, value in options:
        found[name] = [*found.get(name, []), value] if name in SEVERAL else [value]
    return found


@dataclass(frozen=True, slots=True)
class Login:
    """With which role and password a connection logs in. The password is empty if the address has none.

    role: the name of the role.
    password: in plain text.
    """

    role: str
    password: str


def login_of(url: str) -> Login | None:
    """The login in the address of a server; None if there is none in it."""
    parts = urlsplit(url)
    return None if not parts.username else Login(unquote(parts.username), unquote(parts.password or ""))


def with_login(url: str, login: Login | None) -> str:
    """The same address with another login; unchanged without one."""
    if login is None:
        return url
    parts = urlsplit(url)
    password = f":{quote(login.password, safe='')}" if login.password else ""
    netloc = f"{quote(login.role, safe='')}{password}@{parts.netloc.rpartition('@')[2]}"
    return parts._replace(netloc=netloc).geturl()


def driver_dsn(url: str) -> str:
    """Convert `postgresql+asyncpg://…` to the form that asyncpg reads: scheme `postgresql`, and `sslmode` for `ssl`."""
    parts = urlsplit(url)
    query = urlencode([("sslmode" if name == "ssl" else name, value) for name, value in parse_qsl(parts.query)])
    return parts._replace(scheme="postgresql", query=query).geturl()


def place(url: str) -> str:
    """The part of an address that may be shown, without user and password: `host:port/database`.

    With several hosts it is `host:port,host:port/database`.
    """
    parts = urlsplit(url)
    spots = [urlsplit(f"//{spot}") for spot in parts.netloc.rpartition("@")[2].split(",")]
    return ",".join(f"{spot.hostname or 'localhost'}:{spot.port or 5432}" for spot in spots) + parts.path
