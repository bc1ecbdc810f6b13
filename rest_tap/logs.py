"""What a tap writes to standard error when nobody asks for more.

A person who starts a tap wants to know what it found, how far it is and what went wrong. The
SDK's own running commentary and measurements are left out, unless a log level is asked for by
`LOGLEVEL` or, for one tap, by a variable such as `TAP_KIZEN_LOGLEVEL`.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from pathlib import Path

_UNPRINTABLE = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    """Return a text with escapes in the place of signs that would move a cursor or fake a line.

    Names and words of a service end up on terminals: it must not be able to draw there.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    sign = found[0]
    is_harmless = sign.isprintable() or unicodedata.category(sign) == "Zs"
    return sign if is_harmless else sign.encode("unicode_escape").decode()


# Said once more, with less, by what follows: the line that ends the tap. The last one is of
# urllib3, with a traceback, about an answer whose head is damaged.
_REPEATED = ("An unhandled error occurred while syncing", "Giving up ", "Failed to parse headers")


class OwnWords(logging.Filter):
    """Lets through warnings and errors, and of all else only what our own packages say."""

    def __init__(self, folders: list[Path]) -> None:
        """Let through what the code in these folders says."""
        super().__init__()
        self._folders = tuple(f"{folder}{os.sep}" for folder in folders)

    def __eq__(self, other: object) -> bool:
        """Tell whether another lets through the same: a handler takes one of equal filters."""
        return isinstance(other, OwnWords) and self._folders == other._folders

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._folders)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        if record.levelno < logging.WARNING:
            return record.pathname.startswith(self._folders)
        return not str(record.msg).startswith(_REPEATED)


def level_is_asked_for(tap_name: str) -> bool:
    """Return whether a variable sets the log level of a tap."""
    variable = f"{tap_name}_LOGLEVEL".upper().replace("-", "_")
    return bool(os.environ.get(variable) or os.environ.get("LOGLEVEL"))


def keep_to_own_words(tap_name: str, *module_files: str) -> None:
    """Leave out what only a developer wants to read, unless a log level is asked for.

    Args:
        tap_name: The name of the tap, such as `tap-kizen`.
        module_files: A file of each package whose words are wanted (`__file__`).
    """
    root = logging.getLogger()
    # Meltano's own level, when it is told to be talkative, reaches the tap as that of the root.
    if level_is_asked_for(tap_name) or root.level < logging.INFO:
        return
    words = OwnWords([Path(file).parent for file in module_files])
    for handler in root.handlers:
        handler.addFilter(words)
