"""How a process begins: settings, logs, and one sentence if an operator has to correct something."""

import sys
from collections.abc import Callable

from app.adapters.database_url import StorageError
from app.adapters.logs import configure_logs
from app.config import Settings, SettingsError, load_settings
from app.domain.errors import Unavailable
from app.tasks import PluginError


def launch(run: Callable[[Settings], None], *also_expected: type[Exception]) -> None:
    """Call `run(settings)`. Exit with 1 and one sentence for an error that an operator can fix.

    `also_expected` are such errors of this process alone.
    """
    expected: tuple[type[Exception], ...] = (SettingsError, StorageError, PluginError, Unavailable, *also_expected)
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        run(settings)
    except expected as error:
        sys.exit(f"workflow: {error}")
