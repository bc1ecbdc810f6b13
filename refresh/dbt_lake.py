"""What lets dbt build in a DuckLake: a plugin of dbt-duckdb, named in `profiles.yml`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dbt.adapters.duckdb.plugins import (  # type: ignore[import-not-found]  # of the environment of dbt
    BasePlugin,
)

from target_duckdb import extensions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Plugin(BasePlugin):  # type: ignore[misc]
    """Loads the extensions before dbt attaches the lake."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load them from the files of their packages.

        Raises:
            MissingError: One is not installed or made for another DuckDB, or a setting is wrong.
        """
        path, data_path = (os.environ.get(f"DUCKDB_{name}", "") for name in ("PATH", "DATA_PATH"))
        wrong = extensions.problem(path, data_path)
        if wrong is not None:
            raise extensions.MissingError(wrong)
        extensions.load(conn, path, data_path, os.environ)
