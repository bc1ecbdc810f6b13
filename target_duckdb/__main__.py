"""`python -m target_duckdb` is `target-duckdb`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_SIGNALLED = 128


def _end(signum: int, frame: FrameType | None) -> None:
    """End at once, as the target does once it runs: what is being imported now may take seconds."""
    del frame
    os.write(2, f"target-duckdb: ended by signal {signum}; nothing was loaded\n".encode())
    os._exit(_SIGNALLED + signum)


def main() -> Any:  # noqa: ANN401 (what the command line returns)
    """Run the loader."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _end)
    try:
        from target_duckdb.target import TargetDuckDB  # noqa: PLC0415 (signals are minded first)
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        sys.exit("the package 'duckdb' is not installed: pip install 'kananas-kizen-elt[duckdb]'")
    return TargetDuckDB.cli()


if __name__ == "__main__":
    main()
