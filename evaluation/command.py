"""How the programs of this package end: their exit codes, and errors in one line."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.inputs import InputError
from evaluation.processes import ProgramError
from tools.demo.report import fit_any_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def run_in_folder(work: Callable[[Path], int], prefix: str) -> int:
    """Return the exit code of work that is given an empty folder, which is removed at its end."""
    fit_any_terminal()
    try:
        with tempfile.TemporaryDirectory(prefix=prefix) as folder:
            return work(Path(folder))
    except InputError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except (ProgramError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
