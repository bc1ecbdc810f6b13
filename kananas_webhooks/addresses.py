"""The secret part of the address that webhooks are sent to.

Kananas' documentation names no signature, so the address itself is what a sender has to know. Two
may be valid at once: while the new one is being pasted, the old one still works.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from hmac import compare_digest
from pathlib import Path

#: 256 bits, written as 43 characters that need no escape in an address.
SECRET_BYTES = 32

MOST_SECRETS = 2


class SecretsError(Exception):
    """The secrets cannot be read; the message says why."""


class Secrets:
    """The valid secrets, newest first, one a line of a file that only its owner can read.

    A change of the file holds from the next request on.
    """

    def __init__(self, path: Path) -> None:
        """Read from a file that need not exist yet."""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._values: tuple[str, ...] = ()

    def values(self) -> tuple[str, ...]:
        """Return the secrets that are valid now, the newest first; none where there is no file.

        Raises:
            SecretsError: The file cannot be read.
        """
        try:
            found = self._path.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            if stamp != self._stamp:
                lines = self._path.read_text(encoding="utf-8").split()
                self._values, self._stamp = tuple(lines[:MOST_SECRETS]), stamp
        except FileNotFoundError:
            return ()
        except OSError as error:
            message = f"{self._path}: {error.strerror}"
            raise SecretsError(message) from error
        except UnicodeDecodeError as error:
            message = (
                f"{self._path} is no text in UTF-8: remove it, and `kananas-webhooks url` makes "
                "a new secret"
            )
            raise SecretsError(message) from error
        return self._values

    def accept(self, candidate: str) -> bool:
        """Return whether a secret is valid, in a time that does not depend on how much of it is."""
        given = candidate.encode(errors="replace")
        results = [compare_digest(given, value.encode()) for value in self.values()]
        return any(results)

    def newest(self) -> str:
        """Return the secret to use, made where there is none."""
        return next(iter(self.values()), None) or self.rotate()

    def rotate(self) -> str:
        """Make a new secret; the one before stays valid."""
        new = secrets.token_urlsafe(SECRET_BYTES)
        self._write(new, *self.values()[: MOST_SECRETS - 1])
        return new

    def retire(self) -> None:
        """Leave only the newest secret valid."""
        self._write(self.newest())

    def _write(self, *values: str) -> None:
        """Replace the file in one step; it is never seen half written, nor by others."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".secrets.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(f"{value}\n" for value in values)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
