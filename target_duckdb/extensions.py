"""What a DuckLake needs: settings, and DuckDB's extensions from Python packages.

Nothing is downloaded.

`refresh.dbt_lake` needs them as well, in an environment that has dbt and no Singer SDK.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.names import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

PREFIX = "ducklake:"
POSTGRES = "postgres:"
SQLITE = "sqlite:"
S3 = "s3://"

LAKE_COPY = "lake.duckdb"
"""Name of the published copy of any lake; `console` knows it, too."""

_VERSION = "1.5.5"
"""The DuckDB that the packages are built for."""

_INSTALL = "`make lake` installs requirements/lake.txt over the loader and dbt"

_SCHEME = re.compile(r"\w{2,}:")
_PASSWORD = re.compile(r"\b(ssl)?password\s*=|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


class MissingError(Exception):
    """A setting, a package or a key is missing. The text is one line that says what to do."""


def is_lake(path: str) -> bool:
    """Return whether a `path` setting names a lake."""
    return path.startswith(PREFIX)


def catalog_file(path: str) -> Path | None:
    """Return the file of a lake's catalog; None where that is in PostgreSQL."""
    catalog = path[len(PREFIX) :]
    if catalog.startswith(POSTGRES):
        return None
    return Path(catalog.removeprefix(SQLITE)).expanduser().absolute()


def copy_name(path: str) -> str:
    """Return the name of the published copy: that of the file, one of its own for a lake."""
    return LAKE_COPY if is_lake(path) else Path(path).name


def problem(path: str, data_path: str | None) -> str | None:
    """Return in one line why settings can name no lake; None where they can.

    Args:
        path: The `path` setting, which begins as that of a lake.
        data_path: The `data_path` setting.
    """
    catalog = path[len(PREFIX) :]
    if _PASSWORD.search(catalog):
        return (
            "setting 'path' holds a password, which logs would show: take it out, and give it by "
            "the environment variable PGPASSWORD or a file ~/.pgpass"
        )
    file = catalog.removeprefix(SQLITE)
    if not catalog.startswith(POSTGRES) and (not file or _SCHEME.match(file)):
        return (
            "setting 'path' names no catalog of a lake: write ducklake:postgres:…, "
            "ducklake:sqlite:FILE or ducklake:FILE"
        )
    if not data_path:
        return (
            "setting 'data_path' is missing: name the folder, or s3:// with bucket and prefix, "
            "where the lake's files go"
        )
    if not data_path.startswith(S3) and _SCHEME.match(data_path):
        return "setting 'data_path' is neither a folder nor s3:// with bucket and prefix"
    return None


def load(
    connection: DuckDBPyConnection, path: str, data_path: str, environment: Mapping[str, str]
) -> None:
    """Load the extensions that a lake needs, and let DuckDB know the key of its bucket.

    Args:
        connection: A connection.
        path: The `path` setting.
        data_path: The `data_path` setting.
        environment: Variables. Those of PostgreSQL get into the environment of this process.

    Raises:
        MissingError: A package or a key is missing.
    """
    needed = ["ducklake"]
    if path.startswith(PREFIX + POSTGRES):
        needed.append("postgres_scanner")
        # PostgreSQL's library looks there, and not into the lines of a file.
        for name, value in environment.items():
            if name.startswith("PG"):
                os.environ.setdefault(name, value)
    if path.startswith(PREFIX + SQLITE):
        needed.append("sqlite_scanner")
    if data_path.startswith(S3):
        needed.append("httpfs")
    for file in map(extension_file, needed):
        connection.execute(f"LOAD {literal(str(file))}")
    if "httpfs" in needed:
        connection.execute(secret(environment))


def extension_file(name: str) -> Path:
    """Return the file of an extension that a package has brought.

    Args:
        name: Name of the extension.

    Raises:
        MissingError: The package is not there, or made for another DuckDB.
    """
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    if found is None or found.origin is None:
        package = f"duckdb-extension-{name}".replace("_", "-")
        msg = f"a DuckLake needs the package '{package}', which is not installed: {_INSTALL}"
        raise MissingError(msg)
    version = f"v{duckdb.__version__}"
    file = Path(found.origin).parent / "extensions" / version / f"{name}.duckdb_extension"
    if not file.is_file():
        msg = (
            f"a DuckLake needs DuckDB {_VERSION}, for which its extensions are built, and this is "
            f"{duckdb.__version__}: {_INSTALL}"
        )
        raise MissingError(msg)
    return file


def secret(environment: Mapping[str, str]) -> str:
    """Return the statement by which DuckDB reaches a bucket, from the usual variables.

    Args:
        environment: Variables, as other programs for S3 have them.

    Raises:
        MissingError: There is no key.
    """
    key, hidden = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key or not hidden:
        msg = (
            "setting 'data_path' is a bucket: give its key by the environment variables "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
        raise MissingError(msg)
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    options = {"KEY_ID": key, "SECRET": hidden, "REGION": region}
    token, endpoint = environment.get("AWS_SESSION_TOKEN"), environment.get("AWS_ENDPOINT_URL")
    if token:
        options["SESSION_TOKEN"] = token
    given = [f"{name} {literal(value)}" for name, value in options.items()]
    if endpoint:
        scheme, _, rest = endpoint.rpartition("://")
        given += [f"ENDPOINT {literal(rest.rstrip('/'))}", "URL_STYLE 'path'"]
        given.append(f"USE_SSL {'false' if scheme == 'http' else 'true'}")
    return f"CREATE OR REPLACE SECRET lake_bucket (TYPE s3, {', '.join(given)})"
