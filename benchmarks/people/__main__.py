"""Links of persons beside Splink, on sets that others made: `make check-people`.

Prints one row per set: the figures of `make evaluate-people`, and the F1 of Splink from the data
alone and given the truth. Sets with all records in the CRM have a table of their own: how many of
the duplicates that are proposed are right, and how many of all are found. Exit code 1 where a set
could not be evaluated, or where fewer than FLOOR of the links that nobody looks at are right.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.demo.report import table

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-people" / "bin" / "python"
SETS = Path(__file__).with_name("sets.py")
NO_FLOOR = "F1=0 auto_precision=0 auto_recall=0 blocking_recall=0"
FLOOR = 0.99
FIGURES = ["F1", "precision", "recall", "auto_precision", "auto_recall", "blocking_recall"]
TWICE = "_twice"
DUPLICATES = ["proposed", "right", "precision", "recall", "F1", "in the truth"]
PEERS = ["Splink, from the data alone", "Splink, given the truth"]


def evaluated(database: Path) -> tuple[dict[str, str], str]:
    """Return the figures of a set by name, and all that was printed."""
    truth = database.with_suffix(".truth.csv")
    command = [sys.executable, "-m", "evaluation.people", "--floor", NO_FLOOR]
    command += ["--db", str(database), "--truth-people", str(truth)]
    command += ["--no-splink"] if database.stem.endswith(TWICE) else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    printed = done.stdout + done.stderr
    if done.returncode:
        return {}, printed
    if database.stem.endswith(TWICE):
        found = re.search(r"^ *kizen_contact +(.*)$", done.stdout, re.MULTILINE)
        return dict(zip(DUPLICATES, found[1].split(), strict=True)) if found else {}, printed
    figures = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout.splitlines()[-1]))
    for peer in PEERS:
        found = re.search(rf"^ *{peer} .*?([\d.]+)$", done.stdout, re.MULTILINE)
        figures[peer] = found[1] if found else ""
    return figures, printed


def main() -> int:
    """Make the sets, and link each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.people", description=__doc__)
    parser.add_argument("--only", help="names of sets, with spaces between")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="people-") as folder:
        quiet = {**os.environ, "TQDM_DISABLE": "1"}
        subprocess.run([PYTHON, SETS, folder], check=True, env=quiet)
        databases = sorted(Path(folder).glob("*.duckdb"))
        if given.only:
            databases = [each for each in databases if each.stem in given.only.split()]
        rows, twice, failed = [], [], 0
        for database in databases:
            print(f"… {database.stem}", flush=True)
            figures, printed = evaluated(database)
            if not figures:
                print(printed, file=sys.stderr)
            of_duplicates = database.stem.endswith(TWICE)
            failed += not figures
            failed += not of_duplicates and float(figures.get("auto_precision", 0)) < FLOOR
            names = DUPLICATES if of_duplicates else [*FIGURES, *PEERS]
            row = [database.stem, *(figures.get(name, "") for name in names)]
            (twice if of_duplicates else rows).append(row)
    print(table(["set", *FIGURES, *PEERS], rows))
    print("\nDuplicates among the people of the CRM:")
    print(table(["set", *DUPLICATES], twice))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
