"""Where the setting `path` leads, and what DuckDB misreads of it.

Nothing here needs the Singer SDK, which takes half a second to import: to publish does without it.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from target_duckdb.extensions import PREFIX

IN_MEMORY = ":memory:"
MOTHERDUCK = "md:"

MISSING_PATH = (
    "setting 'path' is missing or empty: name the DuckDB file (environment variable "
    "TARGET_DUCKDB_PATH, below Meltano DUCKDB_PATH)"
)

# What DuckDB takes for the address of another kind of database, or for none that is kept.
_SCHEME = re.compile(r"(:memory|\w{2,}):")


def is_file(path: str) -> bool:
    """Return whether a `path` setting names a file on this machine."""
    return path not in {"", IN_MEMORY} and not path.startswith((MOTHERDUCK, PREFIX))


def has_log(path: str | Path) -> bool:
    """Return whether DuckDB has yet to move changes from its log into a database file."""
    # It is beside the file that a link leads to, or, before 1.5, beside the link.
    return any(Path(f"{one}.wal").exists() for one in (path, os.path.realpath(path)))


def problem(path: str) -> str | None:
    """Return in one line why a `path` setting can name no database; None where it can."""
    if not is_file(path):
        return None if path else MISSING_PATH
    scheme = _SCHEME.match(path)
    if scheme:
        return (
            f"setting 'path' begins with {scheme[0]!r}: databases are loaded into files of this "
            "machine, or at addresses that begin with 'md:' or 'ducklake:'"
        )
    full = _full(path)
    if full is None:
        return f"setting 'path' is no name of a file here: {path!r}"
    misread = has_parameters(full)
    if misread is not None:
        return f"setting 'path': {misread}"
    if path.endswith(os.sep) or full.is_dir():
        return f"setting 'path' names a folder, where a file in it was due: {path}"
    return None


def has_parameters(path: Path) -> str | None:
    """Return in one line why DuckDB misreads a path; None where it does not.

    It takes what follows a '?' for parameters: a log of changes then lies under a name that nobody
    looks for.
    """
    full = path.absolute()
    if "?" not in str(full):
        return None
    return f"DuckDB takes no '?' in the name of a file or folder: {full}"


def _full(path: str) -> Path | None:
    """Return the whole path; None where no file can be called so, or a home is not known."""
    try:
        full = Path(path).expanduser().absolute()
    except (OSError, RuntimeError):
        return None
    try:
        full.stat()
    except ValueError:
        return None
    except OSError as error:
        return None if error.errno in {errno.ELOOP, errno.ENAMETOOLONG} else full
    return full
