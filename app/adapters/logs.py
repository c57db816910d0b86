"""Configures the log: readable lines on a terminal, JSON objects elsewhere."""

import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from traceback import format_exception
from types import TracebackType
from typing import TextIO

import structlog

from app.masking import NOTHING_HIDDEN, Mask


def _nothing_hidden() -> Mask:
    return NOTHING_HIDDEN


def configure_logs(level: str, format: str, mask: Callable[[], Mask] = _nothing_hidden) -> None:
    """Configure all loggers, also those of libraries.

    level: the lowest level that is logged, as `logging` names it.
    format: `console`, `json`, or `auto`, which means `console` on a terminal and `json` elsewhere.
    mask: returns what hides the secrets of this process. It is asked for each record, so new secrets are hidden too.
    """
    as_lines = format == "console" or (format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_colours,
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if as_lines
        else [structlog.processors.JSONRenderer()]
    )
    handler = _Handler(mask)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                partial(_without_secrets, mask),
                *renderer,
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _Handler(logging.StreamHandler[TextIO]):
    """Hides secrets also in what it prints about a record that cannot be written, such as one with wrong arguments."""

    def __init__(self, mask: Callable[[], Mask]) -> None:
        super().__init__(sys.stderr)
        self._mask = mask

    def handleError(self, record: logging.LogRecord) -> None:
        kind, error, traceback = sys.exc_info()
        if kind is not None:
            _print_traceback(self._mask, kind, error, traceback)


def hide_in_tracebacks(mask: Callable[[], Mask]) -> None:
    """Hide the secrets in the tracebacks of exceptions that end the process or a thread; Python prints those itself."""
    sys.excepthook = partial(_print_traceback, mask)
    threading.excepthook = lambda ended: _print_traceback(mask, ended.exc_type, ended.exc_value, ended.exc_traceback)


def _print_traceback(
    mask: Callable[[], Mask],
    kind: type[BaseException],
    error: BaseException | None,
    traceback: TracebackType | None,
) -> None:
    if not issubclass(kind, SystemExit):
        sys.stderr.write(mask().text("".join(format_exception(kind, error, traceback))))


def _without_secrets(
    mask: Callable[[], Mask], _logger: object, _method: str, record: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """The last step before a record becomes a line: every value, tracebacks included, is a text by now or is searched
    as it would be written.
    """
    hidden = mask()
    if hidden is NOTHING_HIDDEN:
        return record
    masked = hidden.value(record)
    return masked if isinstance(masked, dict) else {"event": masked, "level": record.get("level")}


def _without_colours(_logger: object, _method: str, record: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Remove the copy of the message with colours that uvicorn adds to each record."""
    record.pop("color_message", None)
    return record
