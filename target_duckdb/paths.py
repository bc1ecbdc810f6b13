"""What the setting `path` may be, checked before anything is made there."""

from __future__ import annotations

import os
import re
from pathlib import Path

IN_MEMORY = ":memory:"
MOTHERDUCK = "md:"

MISSING = (
    "setting 'path' is missing or empty: name the DuckDB file (environment variable "
    "TARGET_DUCKDB_PATH, below Meltano DUCKDB_PATH)"
)


#: What DuckDB takes for the address of another kind of database, or for none that is kept.
_SCHEME = re.compile(r"(:memory|\w{2,}):")


def is_file(path: str) -> bool:
    """Tell whether a `path` setting names a file on this machine."""
    return path not in {"", IN_MEMORY} and not path.startswith(MOTHERDUCK)


def problem(path: str) -> str | None:
    """Say in one line why a `path` setting can name no database; None where it can."""
    if not is_file(path):
        return None if path else MISSING
    scheme = _SCHEME.match(path)
    if scheme:
        return (
            f"setting 'path' begins with {scheme[0]!r}: databases are loaded into files of this "
            "machine, or at addresses that begin with 'md:'"
        )
    full = _full(path)
    if full is None:
        return f"setting 'path' is no name of a file here: {path!r}"
    if "?" in str(full):
        # DuckDB takes what follows for parameters, and puts its log at another place.
        return f"setting 'path': DuckDB takes no '?' in the name of a file or folder: {full}"
    if path.endswith(os.sep) or full.is_dir():
        return f"setting 'path' names a folder, where a file in it was due: {path}"
    return None


def _full(path: str) -> Path | None:
    """Give the whole path; None where no file can be called so, or a home is not known."""
    try:
        full = Path(path).expanduser().absolute()
        return None if b"\0" in os.fsencode(full) else full
    except (RuntimeError, UnicodeEncodeError):
        return None
