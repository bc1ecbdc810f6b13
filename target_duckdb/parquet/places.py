"""Where files are published: a folder, or a bucket or container of an object store.

Both hold files by a relative path such as `snapshots/X/marts.contacts/data_0.parquet`. A file
appears whole or not at all. The manifest is replaced only where it still is the one that was read:
of two publishers one is told that it came too late.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from target_duckdb.locked_directory import LockedDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from obstore.store import ObjectStore

    Found = TypeVar("Found")

SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
_WITH_CONTAINER = {"az", "azure", "abfs", "abfss", "adl"}
"""Of Azure, whose addresses may have the container before an `@`."""

_PREFIXES = ("AWS", "AZURE", "GOOGLE")
_ENDPOINTS = ("ENDPOINT", "ENDPOINT_URL", "ENDPOINT_URL_S3", "STORAGE_ENDPOINT")
_SCRATCH = "parquet-publish-"
_TRIES = 5
RETRIES = 8
_FIRST_PAUSE = 0.2
_REQUEST_SECONDS = 300.0
_RETRY_SECONDS = 120.0

_SECRET_NAME = re.compile(r"^(?:AWS|AZURE|GOOGLE)_.*(?:KEY|SECRET|TOKEN|PASSWORD|SAS|SIGNATURE)")
_SHORTEST_SECRET = 4
_OF_SERVICE = re.compile(r"<Code>([^<]*)</Code>(?:.*?<Message>([^<]*)</Message>)?", re.DOTALL)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s)\"']*")
_LONGEST = 300


class PlaceError(Exception):
    """The place cannot be read or written; the message says why, and shows no secret."""


class PlaceSettingError(PlaceError):
    """A URL that is none of a place, or a package that it needs and that is not there."""


class ReplacedError(PlaceError):
    """The manifest is no longer the one that was read."""


@dataclass(frozen=True)
class Versioned:
    """The content of a file, and what tells this version of it from all others."""

    content: bytes
    version: Any


class Place(Protocol):
    """Where files are published."""

    @property
    def name(self) -> str:
        """The place, as people are told."""

    def read(self, path: str) -> Versioned | None:
        """Return a file; None where there is none."""

    def sizes(self, directory: str) -> dict[str, int]:
        """Return the bytes of each file below a directory, by path, half-written ones too."""

    def adding(self, directory: str) -> AbstractContextManager[Path]:
        """Return a context with an empty local folder, whose files it adds to a new directory."""

    def add(self, path: str, content: bytes) -> None:
        """Add a file that is not there yet."""

    def replace(self, path: str, content: bytes, before: Versioned | None) -> None:
        """Replace a file; `before` is what it was when it was read, None where it was not there.

        Raises:
            ReplacedError: It is another one by now. Only then it is certain that the file has not
                been, and will not be, replaced.
        """

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files; one that is not there is no error."""


def at(url: str) -> Place:
    """Return the place of a URL or a path of a folder.

    Raises:
        PlaceSettingError: It is none, or the package is missing that it needs.
    """
    scheme, separator, _rest = url.partition("://")
    if not separator:
        return Folder(Path(url).expanduser().absolute())
    parts = urlsplit(url)
    if scheme == "file" and parts.netloc in {"", "localhost"} and parts.path:
        return Folder(Path(unquote(parts.path)))
    if scheme not in SCHEMES:
        message = f"PARQUET_URL must be a folder, or begin with s3://, gs:// or az://, not {scheme}"
        raise PlaceSettingError(message)
    before_host = parts.netloc.rpartition("@")[0]
    if ":" in before_host or (before_host and scheme not in _WITH_CONTAINER):
        message = "PARQUET_URL must hold no user, key or password: they go by the environment"
        raise PlaceSettingError(message)
    if parts.query or parts.fragment:
        message = "PARQUET_URL must hold nothing after `?` or `#`: keys go by the environment"
        raise PlaceSettingError(message)
    if not parts.netloc:
        message = "PARQUET_URL names no bucket"
        raise PlaceSettingError(message)
    return Bucket(url.rstrip("/"), _store(url))


def _store(url: str) -> ObjectStore:
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra
        from obstore.store import from_url  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "obstore":
            raise
        message = (
            "PARQUET_URL names an object store, and the package 'obstore' is not installed: "
            "pip install 'kananas-kizen-elt[parquet]'"
        )
        raise PlaceSettingError(message) from None
    allows_http = any(_is_true(f"{prefix}_ALLOW_HTTP") for prefix in _PREFIXES)
    for variable in (f"{prefix}_{name}" for prefix in _PREFIXES for name in _ENDPOINTS):
        if os.environ.get(variable, "").startswith("http://") and not allows_http:
            allow = f"{variable.partition('_')[0]}_ALLOW_HTTP"
            message = f"{variable} begins with http://: {allow}=true says that nobody can listen"
            raise PlaceSettingError(message)
    try:
        # Keys, region and endpoint are read from AWS_*, GOOGLE_* and AZURE_*.
        store: ObjectStore = from_url(
            url,
            client_options={
                "allow_http": allows_http,
                "timeout": timedelta(seconds=_REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
            },
        )
    except (BaseError, ValueError) as error:
        message = f"PARQUET_URL or the variables of its store are wrong: {_words(error)}"
        raise PlaceSettingError(message) from None
    return store


def _is_true(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in {"1", "on", "true", "yes"}


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, path: Path) -> None:
        """Take its path; it is made where it is missing, once something is added."""
        self._path = path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._path)

    def read(self, path: str) -> Versioned | None:
        """Return a file; None where there is none."""
        with self._errors(path):
            try:
                content = (self._path / path).read_bytes()
            except FileNotFoundError:
                return None
            return Versioned(content, content)

    def sizes(self, directory: str) -> dict[str, int]:
        """Return the bytes of each file below a directory, by path."""
        found = {}
        with self._errors(directory):
            for folder, _folders, names in os.walk(self._path / directory, onerror=_unless_gone):
                for name in names:
                    file = Path(folder, name)
                    # Another publisher may be about to remove it.
                    with suppress(FileNotFoundError):
                        found[file.relative_to(self._path).as_posix()] = file.stat().st_size
        return found

    @contextmanager
    def adding(self, directory: str) -> Iterator[Path]:
        """Give the directory itself: nobody reads what no manifest names."""
        folder = self._path / directory
        with self._errors(directory):
            folder.mkdir(parents=True)
            yield folder
            for file in [*folder.iterdir(), folder, folder.parent, folder.parent.parent]:
                _sync(file)

    def add(self, path: str, content: bytes) -> None:
        """Add a file."""
        file = self._path / path
        with self._errors(path):
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, content)

    def replace(self, path: str, content: bytes, before: Versioned | None) -> None:
        """Replace a file in one step, while no other publisher can."""
        file = self._path / path
        with self._errors(path):
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self.read(path) != before:
                    raise ReplacedError(path)
                _write(file, content)
            finally:
                os.close(lock)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, and the directories that get empty."""
        directories: set[Path] = set()
        for path in paths:
            with self._errors(path):
                (self._path / path).unlink(missing_ok=True)
                directories.update(Path(path).parents[:-1])
        for directory in sorted(directories, key=lambda each: len(each.parts), reverse=True):
            # Those that hold something else stay.
            with suppress(OSError):
                (self._path / directory).rmdir()

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"{self._path / path}: {error.strerror}"
            raise PlaceError(message) from None


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _write(file: Path, content: bytes) -> None:
    """Write a file that appears whole."""
    temporary = file.with_name(f".{file.name}.writing")
    with temporary.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Bucket:
    """A bucket or container, below a prefix."""

    def __init__(self, name: str, store: ObjectStore) -> None:
        """Take what people are told of it, and the store."""
        self._name, self._store = name, store

    @property
    def name(self) -> str:
        """Its URL."""
        return self._name

    def read(self, path: str) -> Versioned | None:
        """Return a file; None where there is none."""
        import obstore  # noqa: PLC0415 - an extra

        def get() -> Versioned | None:
            try:
                found = obstore.get(self._store, path)
                content = bytes(found.bytes())
            except FileNotFoundError:
                return None
            # S3 and Azure tell versions apart by an entity tag, Google by a number.
            known = {"e_tag": found.meta["e_tag"], "version": found.meta["version"]}
            return Versioned(content, {name: each for name, each in known.items() if each})

        return self._again(path, get)

    def sizes(self, directory: str) -> dict[str, int]:
        """Return the bytes of each file below a directory, by path."""
        import obstore  # noqa: PLC0415

        def listed() -> dict[str, int]:
            found = obstore.list(self._store, f"{directory}/").collect()
            return {str(each["path"]): int(each["size"]) for each in found}

        return self._again(directory, listed)

    @contextmanager
    def adding(self, directory: str) -> Iterator[Path]:
        """Give a folder among the temporary files of this machine, whose files are sent."""
        with LockedDirectory(Path(tempfile.gettempdir()), _SCRATCH) as scratch:
            yield scratch.path
            for file in sorted(scratch.path.iterdir()):
                self.add(f"{directory}/{file.name}", file.read_bytes())
                file.unlink()

    def add(self, path: str, content: bytes) -> None:
        """Add a file, in one request: of a killed one no parts stay in the store."""
        import obstore  # noqa: PLC0415

        self._again(path, lambda: obstore.put(self._store, path, content, use_multipart=False))

    def replace(self, path: str, content: bytes, before: Versioned | None) -> None:
        """Replace a file in one request, which the store takes only if it is still the same."""
        import obstore  # noqa: PLC0415
        from obstore.exceptions import (  # noqa: PLC0415
            AlreadyExistsError,
            NotSupportedError,
            PreconditionError,
        )

        def put() -> None:
            try:
                mode: Any = "create" if before is None else before.version
                obstore.put(self._store, path, content, mode=mode, use_multipart=False)
            except (NotImplementedError, NotSupportedError):
                # AWS_CONDITIONAL_PUT=disabled, for stores that have none: nearly as good.
                found = self.read(path)
                if (found and found.version) != (before and before.version):
                    raise ReplacedError(path) from None
                obstore.put(self._store, path, content, use_multipart=False)
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                # A request whose response got lost has done it: then it is this very content.
                found = self.read(path)
                if found is None or found.content != content:
                    raise ReplacedError(path) from None

        self._again(path, put)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files."""
        import obstore  # noqa: PLC0415

        def delete() -> None:
            with suppress(FileNotFoundError):
                obstore.delete(self._store, gone)

        gone = list(paths)
        if gone:
            self._again(gone[0], delete)

    def _again(self, path: str, request: Callable[[], Found]) -> Found:
        """Make a request that may be made twice; again where the library gave up on it.

        Raises:
            PlaceError: It fails each time, or access is denied.
        """
        from obstore.exceptions import (  # noqa: PLC0415
            BaseError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        tries, pause = _TRIES, _FIRST_PAUSE
        while True:
            tries -= 1
            try:
                return request()
            except (PermissionDeniedError, UnauthenticatedError) as error:
                words = f"access is denied ({_words(error)}): check the keys in the environment"
                message = f"{self._name}/{path}: {words}"
                raise PlaceError(message) from None
            except (BaseError, OSError) as error:
                if not tries or "NoSuchBucket" in str(error):
                    message = f"{self._name}/{path}: {_words(error)}"
                    raise PlaceError(message) from None
                time.sleep(pause)
                pause *= 2


def _words(error: Exception, environment: Mapping[str, str] = os.environ) -> str:
    """Return what an error of the store says, in one line and without secrets."""
    text = str(error)
    of_service = _OF_SERVICE.search(text)
    if of_service:
        text = ": ".join(part.strip() for part in of_service.groups() if part)
    line = (text.strip().splitlines() or [type(error).__name__])[0]
    for name, value in environment.items():
        if _SECRET_NAME.match(name) and len(value) >= _SHORTEST_SECRET:
            line = line.replace(value, "…")
    line = _QUERY.sub("?…", line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
