"""Secrets stay out of the log, even where a service or a library quotes them.

So do signs that a terminal would obey.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from html.entities import html5
from typing import TYPE_CHECKING, Any

from rest_tap.logs import printable
from rest_tap.responses import CUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "***"

_ENTITIES: dict[str, list[str]] = {}
for _name, _sign in html5.items():
    _ENTITIES.setdefault(_sign, []).append(_name)

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


# What a sign begins with that is spelled otherwise; and all of it that may come before a cut.
_ESCAPE = re.compile(r"[%&\\]")
_BEGUN = re.compile(r"[%&\\]?[#\w]{0,7}")


@cache
def _spelled(sign: str) -> str:
    """Return a pattern of a sign as it is, or as it stands in an address, in HTML or in JSON."""
    number = ord(sign)
    named = "|".join(name.rstrip(";") for name in _ENTITIES.get(sign, ()))
    entities = f"&(?:#0*{number}|#[xX]0*(?i:{number:x}){'|' if named else ''}{named});?"
    escapes = rf"\\u(?i:{number:04x})|\\{re.escape(sign)}"
    return f"(?:%(?i:{number:02x})|{entities}|{escapes}|{re.escape(sign)})"


def _without_end(words: str, secret: str) -> str:
    """Put a mask in the place of what is left of a secret at the end of words that were cut."""
    signs = [re.compile(_spelled(sign)) for sign in secret]
    begins = (place.start() for place in signs[0].finditer(words))
    for begin in begins:
        at, count = begin, 0
        for sign in signs:
            found = sign.match(words, at)
            if found is None:
                break
            at, count = found.end(), count + 1
        if count >= _FEWEST_LEFT and _BEGUN.fullmatch(words, at):
            return words[:begin] + MASK
    return words


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
            if _ESCAPE.search(text):
                text = re.sub("".join(map(_spelled, secret)), MASK, text)
            if CUT in text:
                *whole, last = text.split(CUT)
                text = CUT.join([*(_without_end(words, secret) for words in whole), last])
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
