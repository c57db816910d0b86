"""How a process begins: settings, logs, and one sentence if an operator has to correct something."""

import os
import sys
from collections.abc import Callable

import structlog

from app.adapters.database_url import StorageError, StorageLost
from app.adapters.logs import configure_logs, hide_in_tracebacks
from app.adapters.secrets import SecretFiles
from app.adapters.tenants_file import TenantsFileError
from app.config import Settings, SettingsError, load_settings
from app.domain.errors import Unavailable
from app.tasks import PluginError

log = structlog.get_logger(__name__)


def launch(run: Callable[[Settings, SecretFiles], None], *also_expected: type[Exception]) -> None:
    """Call `run(settings, secrets)`. Exit with 1 and one sentence for an error that an operator can fix.

    `also_expected` are such errors of this process alone.
    """
    storage = (StorageError, StorageLost)
    wrong = (SettingsError, PluginError, TenantsFileError)
    expected: tuple[type[Exception], ...] = (*wrong, *storage, Unavailable, *also_expected)
    try:
        settings = load_settings()
        run(settings, open_log(settings))
    except expected as error:
        sys.exit(f"workflow: {error}")


def open_log(settings: Settings) -> SecretFiles:
    """Configure the log, and return the secrets that it hides.

    It hides them in all processes: what one of them reads, another one may be sent.
    """
    secrets = SecretFiles(settings.secrets_folder, os.environ)
    refused = secrets.read_all()
    configure_logs(settings.log_level, settings.log_format, secrets.mask)
    hide_in_tracebacks(secrets.mask)
    for reason in refused:
        log.warning("secret_refused", reason=reason)
    return secrets
