"""Runs of `python -m target_duckdb`, each in a fork of a process that has imported it.

A directory holds what a run needs and leaves: `config.json`, `input`, `states` and `log`, the last
two empty before. As a program: names of directories come in, a line each, exit codes go out.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import resource
import runpy
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import target_duckdb

if TYPE_CHECKING:
    from collections.abc import Callable


def import_all() -> None:
    """Import the target, so that a fork of this process is quick to start."""
    for module in pkgutil.iter_modules(target_duckdb.__path__):
        if module.name != "__main__":
            importlib.import_module(f"target_duckdb.{module.name}")


def forked(work: Callable[[], int]) -> int:
    """Run something in a fork of this process; return its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = work()
    except BaseException:  # noqa: BLE001 (as Python ends a program)
        traceback.print_exc()
    finally:
        os._exit(code)


def run_target(directory: Path, limit: int | None = None) -> int:
    """Be the target: input, output and log are files of the directory."""
    for number, (name, flags) in enumerate(
        [("input", os.O_RDONLY), ("states", os.O_WRONLY), ("log", os.O_WRONLY)]
    ):
        opened = os.open(directory / name, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["target-duckdb", "--config", str(directory / "config.json")]
    code: Any = 0
    try:
        runpy.run_module("target_duckdb", run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 (as Python ends a program)
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        # As Python ends a program: its log may lie on the disk that is full.
        with contextlib.suppress(OSError):
            stream.flush()
    return code if isinstance(code, int) else int(code is not None)


def main() -> None:
    """Run the target in each directory that is named."""
    import_all()
    for line in sys.stdin:
        directory = Path(line.rstrip("\n"))
        pid = forked(partial(run_target, directory))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
