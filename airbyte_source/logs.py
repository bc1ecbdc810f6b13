"""The log of a process as messages of the protocol."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from singer_sdk.metrics import METRICS_LOGGER_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airbyte_source.messages import Level, Messages

_LEVELS: tuple[tuple[int, Level], ...] = (
    (logging.CRITICAL, "FATAL"),
    (logging.ERROR, "ERROR"),
    (logging.WARNING, "WARN"),
    (logging.INFO, "INFO"),
)


class MessageHandler(logging.Handler):
    """Writes log records as LOG messages."""

    def __init__(self, messages: Messages) -> None:
        """Write by the given means."""
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        """Write a log record, with its traceback where it has one."""
        level: Level = next((name for least, name in _LEVELS if record.levelno >= least), "DEBUG")
        trace = record.exc_text
        if trace is None and record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
        self._messages.log(level, record.getMessage(), trace)


def _is_no_measurement(record: logging.LogRecord) -> bool:
    """Tell records from the SDK's measurements, which the protocol counts itself."""
    return record.name != METRICS_LOGGER_NAME


@contextmanager
def logging_as_messages(messages: Messages, level: int) -> Iterator[None]:
    """Write all logging and all warnings as messages, and nothing of it elsewhere.

    Args:
        messages: Where to.
        level: The least level that is written, such as `logging.INFO`.
    """
    root = logging.getLogger()
    handlers, level_before = root.handlers[:], root.level
    handler = MessageHandler(messages)
    if level > logging.DEBUG:
        handler.addFilter(_is_no_measurement)
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level_before)
        root.handlers[:] = handlers
