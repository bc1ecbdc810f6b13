"""The command `decisions`: the decisions file as a table for spreadsheets, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from console.decisions.decision import DecisionError, this_user
from console.decisions.file import DecisionsFile, DecisionsFileError, default_path
from console.decisions.table import TableError, read, written
from console.settings import env_file_needed

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    main_parser = argparse.ArgumentParser(
        prog="decisions", description="Move what people decided to a table, and back."
    )
    main_parser.add_argument(
        "--path",
        type=Path,
        help=f"the decisions file (default: {default_path()}; DUCKDB_DECISIONS_PATH)",
    )
    commands = main_parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write all decisions as CSV")
    export.add_argument("file", nargs="?", help="where to (default: standard output)")
    take = commands.add_parser("import", help="add the decisions of a table: CSV or .xlsx")
    take.add_argument("file", help="the table; - is standard input")
    take.add_argument("--author", help="who decided, where a line does not say (default: you)")
    return main_parser


@env_file_needed
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line by default.

    Returns:
        0 when done, 1 when it failed or a line was refused, 2 on wrong usage.
    """
    given = parser().parse_args(arguments)
    file = DecisionsFile(given.path or default_path())
    try:
        if given.command == "export":
            return _export(file, given.file)
        return _import(file, given.file, given.author or this_user())
    except (OSError, DecisionError, DecisionsFileError, TableError) as error:
        sys.stderr.write(f"decisions: {error}\n")
        return FAILED


def _export(file: DecisionsFile, target: str | None) -> int:
    text = written(file.read())
    if target in {None, "-"}:
        sys.stdout.buffer.write(text.encode())
    else:
        # The mark is what spreadsheets know UTF-8 by.
        Path(str(target)).write_text(text, encoding="utf-8-sig", newline="")
    for line in file.unreadable():
        sys.stderr.write(f"decisions: {file.path} line {line.number} is skipped: {line.reason}\n")
    return DONE


def _import(file: DecisionsFile, given: str, author: str) -> int:
    content = sys.stdin.buffer.read() if given == "-" else Path(given).read_bytes()
    decisions, refused = read(content, author, source=f"import of {Path(given).name}")
    known = {each.id for each in file.read()}
    new = [each for each in decisions if each.id not in known]
    file.append(new)
    for line in refused:
        sys.stderr.write(f"{given} line {line.number}: {line.reason}\n")
    sys.stdout.write(
        f"{len(new)} decisions added to {file.path}, {len(decisions) - len(new)} were there,"
        f" {len(refused)} lines refused\n"
    )
    return FAILED if refused else DONE
