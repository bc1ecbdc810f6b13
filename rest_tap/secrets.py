"""Secrets stay out of the log, even where a service or a library quotes them.

So do signs that a terminal would obey.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rest_tap.logs import printable
from rest_tap.responses import CUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "***"

# Words of a service are cut at a length: also what is left of a secret is one.
_FEWEST_LEFT = 4


def secret_values(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the values of the settings marked `secret`, the longest first.

    Args:
        config: A tap's settings.
        schema: The tap's `config_jsonschema`.
    """
    values = {
        str(config[name])
        for name, setting in schema.get("properties", {}).items()
        if setting.get("secret") and config.get(name)
    }
    return sorted(values, key=len, reverse=True)


class Redactor(logging.Filter):
    """Puts a mask in the place of each secret, in a log line and in its traceback."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Hide the given values."""
        super().__init__()
        self._secrets = tuple(secrets)

    def __eq__(self, other: object) -> bool:
        """Tell whether another hides the same: a handler takes one of several equal filters."""
        return isinstance(other, Redactor) and self._secrets == other._secrets

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._secrets)

    def redact(self, text: str) -> str:
        """Return a text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
            if CUT in text:
                for left in range(len(secret) - 1, _FEWEST_LEFT - 1, -1):
                    text = text.replace(secret[:left] + CUT, MASK + CUT)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; it is always let through."""
        message = record.getMessage()
        redacted = printable(self.redact(message))
        if redacted != message:
            record.msg, record.args = redacted, None
        if record.exc_info and not record.exc_text:
            # A formatter takes this text where it is there, instead of making it anew.
            record.exc_text = self.redact(logging.Formatter().formatException(record.exc_info))
        return True


def keep_out_of_logs(secrets: Iterable[str]) -> None:
    """Hide the given values in all that the handlers of this process write, one line each."""
    redactor = Redactor(secrets)
    for handler in logging.getLogger().handlers:
        handler.addFilter(redactor)
