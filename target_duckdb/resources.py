"""What a run works with: its directory, its database and a thread beside Python's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb.database import Database
from target_duckdb.errors import SettingError, TargetError, one_line
from target_duckdb.paths import is_file, problem
from target_duckdb.quarantine import Quarantine
from target_duckdb.staging import StagingDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from logging import Logger


class Resources:
    """Made when they are first needed, closed together."""

    def __init__(self, config: Mapping[str, Any], logger: Logger) -> None:
        """Take the settings, and the logger of the program; nothing is opened yet.

        Raises:
            SettingError: `path` can name no database.
        """
        wrong = problem(config["path"])
        if wrong is not None:
            raise SettingError(wrong)
        self._config = config
        self._logger = logger
        self._numbers = count()
        self._worker = ThreadPoolExecutor(1, "target-duckdb")
        self._working: Future[None] | None = None

    @cached_property
    def _directory(self) -> StagingDirectory:
        path = self._config["path"]
        return StagingDirectory(Path(path).expanduser().absolute() if is_file(path) else None)

    @property
    def directory(self) -> Path:
        """A directory of this run alone."""
        return self._directory.path

    @cached_property
    def database(self) -> Database:
        """The database, checked once.

        Raises:
            TargetError: It cannot be opened, or refuses a setting.
        """
        config = self._config
        database = Database(
            config["path"],
            name=config.get("database"),
            schema=config["default_target_schema"],
            options=config.get("settings") or {},
            max_memory=config.get("max_memory"),
            directory=self.directory,
            lock_timeout=config["lock_timeout"],
            logger=self._logger,
        )
        database.check()
        return database

    @cached_property
    def quarantine(self) -> Quarantine:
        """Where records go that cannot be loaded."""
        return Quarantine(self.directory)

    def next_number(self) -> int:
        """Return a number that nothing else in this run has."""
        return next(self._numbers)

    # One piece of work at a time, while the next records are read.

    def in_background(self, work: Callable[[], None]) -> None:
        """Let DuckDB work.

        Raises:
            Exception: What the piece of work before this one raised.
        """
        self.await_background()
        self._working = self._worker.submit(work)

    def await_background(self) -> None:
        """Wait until nothing is being done.

        Raises:
            TargetError: DuckDB failed at it.
        """
        if self._working is not None:
            working, self._working = self._working, None
            try:
                working.result()
            except duckdb.Error as error:
                msg = f"DuckDB cannot stage this: {one_line(error)}"
                raise TargetError(msg) from error

    # The end

    def close(self) -> None:
        """Close the working connection and remove private files; uncommitted rows are dropped."""
        self._worker.shutdown()
        if "database" in self.__dict__:
            self.database.close()
        self.remove_directory()

    def remove_directory(self) -> None:
        """Remove private files, if there are any."""
        if "_directory" in self.__dict__:
            self._directory.close()
