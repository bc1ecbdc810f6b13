"""The commands that need an extra: where it is not installed, one line says which."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

#: The extra of each package, and all modules that extras bring.
EXTRAS = {
    "console": "console",
    "kananas_webhooks": "webhooks",
    "refresh": "duckdb",
    "sandbox": "sandbox",
    "target_duckdb": "duckdb",
}
OF_EXTRAS = {
    "babel",
    "duckdb",
    "jinja2",
    "markupsafe",
    "obstore",
    "prometheus_client",
    "python_multipart",
    "starlette",
    "uvicorn",
    "xlsxwriter",
}


def _run(package: str, module: str, *attributes: str) -> Any:  # noqa: ANN401 - a command's own
    try:
        command: Any = import_module(f"{package}.{module}")
        for attribute in attributes:
            command = getattr(command, attribute)
        return command()
    except ModuleNotFoundError as error:
        if error.name not in OF_EXTRAS:
            raise
        sys.exit(
            f"the package '{error.name}' is not installed: "
            f"pip install 'kananas-kizen-elt[{EXTRAS[package]}]'"
        )


def target_duckdb() -> Any:  # noqa: ANN401
    """Run the loader."""
    return _run("target_duckdb", "__main__", "main")


def duckdb_publish() -> Any:  # noqa: ANN401
    """Publish a copy of the loader's file."""
    return _run("target_duckdb", "publish", "main")


def parquet_publish() -> Any:  # noqa: ANN401
    """Publish the tables of a file as Parquet."""
    return _run("target_duckdb", "parquet.cli", "main")


def sandbox() -> Any:  # noqa: ANN401
    """Serve the stand-in of both services."""
    return _run("sandbox", "cli", "main")


def kananas_webhooks() -> Any:  # noqa: ANN401
    """Receive webhooks."""
    return _run("kananas_webhooks", "cli", "main")


def report() -> Any:  # noqa: ANN401
    """Write the report."""
    return _run("console", "report.cli", "main")


def decisions() -> Any:  # noqa: ANN401
    """Move what people decided to a table, and back."""
    return _run("console", "decisions.cli", "main")


def audit() -> Any:  # noqa: ANN401
    """Draw a sample of contacts to judge."""
    return _run("console", "audit.cli", "main")


def review() -> Any:  # noqa: ANN401
    """Serve the page on which people decide."""
    return _run("console", "review.cli", "main")


def refresh() -> Any:  # noqa: ANN401
    """Run everything, and say what happened."""
    return _run("refresh", "cli", "main")


def dbt_wait() -> Any:  # noqa: ANN401
    """Run dbt, once no other program holds the DuckDB file."""
    return _run("refresh", "dbt_wait", "main")
