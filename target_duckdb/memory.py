"""How much memory DuckDB takes for each kind of work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from target_duckdb.names import literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

    from duckdb import DuckDBPyConnection

STAGING = "128MB"
"""A row group of the usual record, not yet compressed, and what DuckDB reads it from."""

COMMIT = "160MB"
"""Here rows are read from a table as well; with less, DuckDB writes what it reads again at once."""

_MORE = ("256MB", "512MB", "1GB")
"""What work gets that cannot do with its share, before it gets all that DuckDB would take: tables
of hundreds of columns, single values of tens of megabytes."""

NEW_COLUMN = 512 << 10
"""Bytes that a commit holds for each column it adds to a table: two of DuckDB's blocks."""

_UNITS = {"MB": 10**6, "GB": 10**9}

_SHORT = re.compile("failed to (pin|allocate|offload)|could not allocate", re.IGNORECASE)


def _is_out_of_memory(error: duckdb.Error) -> bool:
    """Tell whether memory was short: where a commit needs it, only the words say so."""
    return isinstance(error, duckdb.OutOfMemoryException) or _SHORT.search(str(error)) is not None


def _bytes(limit: str) -> int:
    return int(limit[:-2]) * _UNITS[limit[-2:]]


class Memory:
    """The limit of DuckDB's buffers, set for each piece of work, unless the user has set it."""

    def __init__(self, connection: DuckDBPyConnection, *, is_given: bool, logger: Logger) -> None:
        """Find out what DuckDB would take by itself.

        Args:
            connection: Where the work is done.
            is_given: Whether the user has set the limit.
            logger: Told when work needs more memory than its share.
        """
        self._connection = connection
        self._is_given = is_given
        self._logger = logger
        query = "SELECT current_setting('memory_limit')"
        (whole,) = connection.execute(query).fetchall()[0]
        self._further = [] if is_given else [*_MORE, whole]
        #: The limit since a share did not suffice.
        self._more: str | None = None
        self._set_to: str | None = None
        self._limit(STAGING)

    def run(self, work: Callable[[], None], share: str) -> None:
        """Do something; again with more memory where its share does not suffice.

        Args:
            work: Leaves no trace when it fails.
            share: The limit, as DuckDB writes it.

        Raises:
            duckdb.OutOfMemoryException: No memory suffices, or the limit is the user's.
            duckdb.TransactionException: The same while a transaction is committed, or another
                reason why it cannot be.
        """
        try:
            self._limit(share)
            work()
        except (duckdb.OutOfMemoryException, duckdb.TransactionException) as error:
            if not (_is_out_of_memory(error) and self._further):
                raise
            self._raise()
            self.run(work, share)

    def make_room(self, needed: int) -> None:
        """Raise the limit at once where work that has begun would fail for it at its end.

        Args:
            needed: Bytes that it takes at least.
        """
        while self._further and self._set_to is not None and _bytes(self._set_to) < needed:
            self._raise()
            self._limit(STAGING)

    def _raise(self) -> None:
        self._more = self._further.pop(0)
        self._logger.info("DuckDB needs more memory and gets up to %s", self._more)

    def _limit(self, share: str) -> None:
        limit = self._more or share
        if not self._is_given and limit != self._set_to:
            self._connection.execute(f"SET memory_limit = {literal(limit)}")
            self._set_to = limit
