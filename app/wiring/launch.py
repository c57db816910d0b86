"""How a process begins: settings, logs, and one sentence if an operator has to correct something."""

import os
import sys
from collections.abc import Callable

from app.adapters.database_url import StorageError
from app.adapters.logs import configure_logs, hide_in_tracebacks
from app.adapters.secrets import SecretFiles
from app.config import Settings, SettingsError, load_settings
from app.domain.errors import Unavailable
from app.engine.ports import UnusableSecret
from app.tasks import PluginError


def launch(run: Callable[[Settings, SecretFiles], None], *also_expected: type[Exception]) -> None:
    """Call `run(settings, secrets)`. Exit with 1 and one sentence for an error that an operator can fix.

    The log hides the secrets in both processes: what one reads, the other may be sent.

    `also_expected` are such errors of this process alone.
    """
    common = (SettingsError, UnusableSecret, StorageError, PluginError, Unavailable)
    expected: tuple[type[Exception], ...] = (*common, *also_expected)
    try:
        settings = load_settings()
        secrets = SecretFiles(settings.secrets_folder, os.environ)
        secrets.check()
        configure_logs(settings.log_level, settings.log_format, secrets.mask)
        hide_in_tracebacks(secrets.mask)
        run(settings, secrets)
    except expected as error:
        sys.exit(f"workflow: {error}")
