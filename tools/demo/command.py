"""The command line that both demos share."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from tools.demo.processes import DemoError, interrupt
from tools.demo.report import fit_any_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_INTERRUPTED = 130


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Give a parser with the options of every demo."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--scale", type=float, default=1.0, help="1 is 2,000 contacts")
    return made


def main(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a demo; give its exit code, 1 where it cannot go on, 130 where it is interrupted."""
    fit_any_terminal()
    # Every process it started must end with it, however it ends.
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return run(arguments)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; all that was started has been ended.", file=sys.stderr)
        return EXIT_INTERRUPTED
