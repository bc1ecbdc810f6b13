"""Lakes for tests: over SQLite, over a DuckDB file, over a PostgreSQL of the tests' own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from target_duckdb import extensions
from target_duckdb.lake import Lake
from tests.target_duckdb.real_taps import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target_duckdb.real_taps import Postgres

KINDS = ("sqlite", "postgres", "duckdb")


@dataclass
class Home:
    """A lake.

    Attributes:
        path: The setting of this name.
        data_path: The setting of this name.
    """

    path: str
    data_path: str

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the loader, by which all upkeep is done after each run."""
        return {
            "path": self.path,
            "data_path": self.data_path,
            "compact_files": 1,
            "snapshot_hours": 0,
        }

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that uses the lake."""
        with duckdb.connect() as connection:
            extensions.load(connection, self.path, self.data_path, os.environ)
            Lake(self.path, self.data_path, "lake").attach(connection)
            connection.execute("SET TimeZone = 'UTC'; USE lake")
            yield connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.opened() as connection:
            return connection.execute(sql).fetchall()


def make(kind: str, folder: Path, name: str, postgres: Postgres) -> Home:
    """A lake that does not exist yet.

    Args:
        kind: One of `KINDS`.
        folder: Where its files go.
        name: Of letters, unlike those of others.
        postgres: Where its catalog goes if that is its kind.
    """
    data_path = str(folder / "data")
    if kind != "postgres":
        prefix = "sqlite:" if kind == "sqlite" else ""
        return Home(f"ducklake:{prefix}{folder / 'lake.catalog'}", data_path)
    postgres.sql(f"CREATE DATABASE {name}")
    os.environ["PGPASSWORD"] = PASSWORD
    address = f"host=127.0.0.1 port={postgres.port} user=check dbname={name}"
    return Home(f"ducklake:postgres:{address}", data_path)
