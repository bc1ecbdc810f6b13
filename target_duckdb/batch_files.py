"""Files named by BATCH messages."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import json
import os
import re
import shutil
import stat
import time
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import duckdb
from singer_sdk.helpers._batch import StorageTarget

from target_duckdb.columns import as_json_text, canonical
from target_duckdb.errors import BatchError, one_line
from target_duckdb.message_errors import MessageError
from target_duckdb.messages import whole_lines
from target_duckdb.names import NO_HIVE, folded, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from duckdb import DuckDBPyConnection

JSON_LINES = "jsonl"
PARQUET = "parquet"
_ROWS_AT_ONCE = 1_000
_ADDRESS = re.compile("file:(//(localhost(?=/))?)?", re.IGNORECASE)
_ACCESS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]+@)", re.IGNORECASE)
"""What gives access stands before the host of an address."""

_UNREADABLE = (OSError, EOFError, ImportError, ValueError, MessageError)
"""What a file says that is not there or damaged, or has no lines."""


def local_path(url: str) -> Path | None:
    """Return the path of a file on this machine, None for a file elsewhere.

    `file://folder/name` has no host, as taps write it: it is read from the working directory. Some
    write a path into the address as it is, whose `%20` is no space.
    """
    parts = urlparse(url)
    if parts.scheme not in {"", "file"}:
        return None
    if not parts.scheme:
        return Path(url)
    host = "" if parts.netloc.lower() == "localhost" else parts.netloc
    path, written = Path(unquote(host + parts.path)), Path(_ADDRESS.sub("", url))
    return written if written.exists() and not path.exists() else path


def is_elsewhere(url: str) -> bool:
    """Return whether an address is that of a file on another machine, or none at all."""
    try:
        return local_path(url) is None
    except ValueError:
        return True


def written_at(url: str) -> str:
    """Return when a batch file was written, in ISO 8601; now for one that is not local.

    BATCH messages do not say when their records were extracted: this is the closest to it.
    """
    try:
        path = local_path(url)
        seconds = time.time() if path is None else _regular(path).st_mtime
    except (OSError, ValueError) as error:
        raise _unreadable(url, error) from None
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc).isoformat()


def _regular(path: Path) -> os.stat_result:
    """Return what is known of a file; a device or a pipe is none, and may have no end."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        reason = "it is no regular file"
        raise OSError(errno.EINVAL, reason)
    return found


def read_lines(
    url: str, compression: str | None, storage: Mapping[str, Any] | None
) -> Iterator[bytes]:
    """Yield the lines of a batch file, unpacked, some hundred at a time.

    Args:
        url: Address of the file, as the message has it.
        compression: `gzip`, `none` or None.
        storage: The `storage` of setting `batch_config`, for files that are not local.

    Raises:
        BatchError: The file cannot be read, or its compression is unknown.
    """
    if compression not in (None, "none", "gzip"):
        msg = f"the compression {compression!r} of batch files is not known; use gzip or none"
        raise BatchError(msg)
    try:
        with _opened(url, storage) as file:
            if compression == "gzip":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from whole_lines(unpacked)
            else:
                yield from whole_lines(file)
    except _failures(url) as error:
        raise _unreadable(url, error) from None


def read_rows(
    url: str, connection: DuckDBPyConnection, directory: Path, storage: Mapping[str, Any] | None
) -> Iterator[bytes]:
    """Yield the rows of a Parquet file as lines of JSON, without the columns that are null in them.

    Args:
        url: Address of the file, as the message has it.
        connection: Reads the file.
        directory: Where the file gets another name while it is read, or lies if it is not local.
        storage: The `storage` of setting `batch_config`, for files that are not local.

    Raises:
        BatchError: The file cannot be read.
    """
    copy = directory / "batch.parquet"
    try:
        path = local_path(url)
        if path is None:
            with _opened(url, storage) as remote, copy.open("wb") as file:
                shutil.copyfileobj(remote, file)
        else:
            _regular(path)
            # DuckDB takes some names for patterns, and reads what it finds by these.
            copy.symlink_to(path.absolute())
        source = f"read_parquet({literal(str(copy))}, {NO_HIVE})"
        # A cursor of its own: rows are still being read when others are staged.
        cursor = connection.cursor()
        types = cursor.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
        members = ", ".join(
            _member(written, name, canonical(sql_type))
            for written, (name, sql_type, *_) in zip(_names(cursor, copy), types, strict=True)
        )
        cursor.execute(f"SELECT '{{' || concat_ws(',', {members}) || '}}' FROM {source}")  # noqa: S608
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield "".join(f"{row}\n" for (row,) in rows).encode()
    except _failures(url) as error:
        raise _unreadable(url, error, str(copy)) from None
    finally:
        copy.unlink(missing_ok=True)


def _names(connection: DuckDBPyConnection, file: Path) -> list[str]:
    """Return the names of a Parquet file's columns as they are written in it.

    DuckDB gives a column another name where it is empty, or is that of one before it but for its
    case.

    Raises:
        ValueError: So are members of an object, whose names DuckDB changes as well.
    """
    query = f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({literal(str(file))})"  # noqa: S608
    nodes = iter(connection.execute(query).fetchall())
    _, count = next(nodes)
    names = []
    for _ in range(count):
        name, children = next(nodes)
        _skip_members(nodes, children, name)
        names.append(name)
    return names


def _skip_members(nodes: Iterator[tuple[str, int]], count: int, column: str) -> None:
    """Pass what a column holds, and make sure that no two members of an object are one to DuckDB.

    Args:
        nodes: What follows in the schema, each with its number of members.
        count: How many members come next, each followed by its own.
        column: Name of the column.
    """
    seen: set[str] = set()
    for _ in range(count):
        name, children = next(nodes)
        if folded(name) in seen:
            reason = (
                f"DuckDB cannot tell members of column {column!r} apart, since their names differ "
                f"by case alone ({name!r}); have the tap write jsonl"
            )
            raise ValueError(reason)
        seen.add(folded(name))
        _skip_members(nodes, children, column)


def _member(written: str, column: str, sql_type: str) -> str:
    """Return SQL for one member of a JSON object, null where the column is.

    Args:
        written: The member's name.
        column: What DuckDB calls the column.
        sql_type: The column's type.
    """
    key = literal(json.dumps(written, ensure_ascii=False) + ":")
    return f"{key} || {as_json_text(quote(column), sql_type)}"


@contextmanager
def _opened(url: str, storage: Mapping[str, Any] | None) -> Iterator[IO[bytes]]:
    path = local_path(url)
    if path is not None:
        _regular(path)
        with path.open("rb") as file:
            yield file
        return
    if urlparse(url).scheme == "ftp":
        # What fsspec opens it with complains on standard error long after it has failed.
        reason = "FTP is not supported"
        raise OSError(errno.EPROTONOSUPPORT, reason)
    head, tail = StorageTarget.split_url(url)
    target = StorageTarget(**storage) if storage else StorageTarget.from_url(head)
    with target.open(tail, mode="rb") as remote:
        yield remote


def _failures(url: str) -> tuple[type[Exception], ...]:
    """Return what may be raised while a file is read: every store elsewhere has its own errors."""
    return (Exception,) if is_elsewhere(url) else (*_UNREADABLE, zlib.error, duckdb.Error)


def _unreadable(url: str, error: Exception, read_as: str | None = None) -> BatchError:
    """Say why a file cannot be read, by its address, under whatever name it was read."""
    reason = getattr(error, "strerror", None) or one_line(error)
    if isinstance(error, gzip.BadGzipFile) and "b'" in reason:
        # Python's own words quote what stands there.
        reason = "it is no gzip file, or has something behind its end"
    reason = reason.replace(read_as or url, shown(url)).replace(url, shown(url))
    given = _ACCESS.match(url)
    if given is not None:
        # Libraries quote parts of it.
        for secret in (given[2], *filter(None, re.split("[:@]", given[2]))):
            reason = reason.replace(secret, "…")
    msg = f"cannot read the batch file {shown(url)}: {reason}"
    return BatchError(msg)


def shown(url: str) -> str:
    """Return the address without its query, which may hold a signature, and without a password."""
    return _ACCESS.sub(r"\1", url.split("?", maxsplit=1)[0])


def remove(url: str) -> None:
    """Delete a local batch file; a link, and a file that lies elsewhere, stay."""
    path = local_path(url)
    if path is not None and not path.is_symlink():
        path.unlink(missing_ok=True)
