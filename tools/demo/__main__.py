"""Run the whole on a stand-in of both services: `make demo`."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from tools.demo import command, report
from tools.demo.processes import meltano, sandbox
from tools.demo.settings import OUTPUT, PUBLISHED, ROOT, environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

# Lines of Meltano's log that tell how far the work is.
PROGRESS = re.compile(
    r"(Installing \w+ '|records read|records so far|found at|"
    r"dbt .* (\d+ of \d+ (OK|FAIL|ERROR|WARN)|Done\. )|\[(warning|error|critical) *\])"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run(arguments: argparse.Namespace) -> int:
    """Serve, load, join, and show what came of it."""
    started = monotonic()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    log = OUTPUT / "meltano.log"
    print(f"Both services are played by the sandbox. The whole log: {log}")
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as folder,
        sandbox(
            ROOT, Path(folder, "sandbox.log"), "--seed", str(arguments.seed),
            "--scale", str(arguments.scale), "--truth", str(Path(folder, "truth.csv")),
            "--truth-people", str(Path(folder, "truth_people.csv")),
        ) as facts,
    ):  # fmt: skip
        for line in meltano(ROOT, log, ["--environment=demo", "run", "elt"], environment(facts)):
            if PROGRESS.search(line):
                print(f"{monotonic() - started:6.1f} s  {_plain(line)}", flush=True)
        truths = {name: Path(folder, f"{name}.csv") for name in ("truth", "truth_people")}
        return show(facts, truths)


def _plain(line: str) -> str:
    """Leave out the time and the colours of a log line."""
    return re.sub(r"^\S+Z \[\w+ *\] ", "", COLOUR.sub("", line))


def show(facts: dict[str, Any], truths: Mapping[str, Path]) -> int:
    """Print the report; 1 if rows were lost, else 0.

    Args:
        facts: What the sandbox says of itself.
        truths: Its CSV files of who and what belongs together, by name.
    """
    streams = report.streams(
        PUBLISHED,
        {
            "kananas.contacts": facts["contacts"],
            **{f"kizen.{name}": rows for name, rows in facts["kizen"].items()},
        },
    )
    print("\nRows, as served and as loaded:")
    print(report.table(["stream", "served", "loaded"], streams))
    print("\nContacts, by whether and how they were linked to a company:")
    print(report.table(*report.select(PUBLISHED, report.LINKS)))
    print("\nLinks to companies, and how many of them are right, which the sandbox knows:")
    print(report.table(*report.select(PUBLISHED, report.RIGHT, truths)))
    print("\nContacts, by whether they were found among the people of the CRM:")
    print(report.table(*report.select(PUBLISHED, report.PERSONS, truths)))
    print("\nFive contacts with their companies:")
    print(report.table(*report.select(PUBLISHED, report.QUERY)))
    print(f"\nThe DuckDB file:     {OUTPUT / 'warehouse.duckdb'}")
    print(f"A copy for readers:  {PUBLISHED}")
    print(f"The report:          {PUBLISHED.with_name('report.html')}")
    print(f"\nTo ask it yourself, paste:\n\n{_command(PUBLISHED)}")
    wrong = [stream.name for stream in streams if stream.served != stream.loaded]
    if wrong:
        print(f"\nRows differ in: {', '.join(wrong)}", file=sys.stderr)
        return 1
    return 0


def _command(database: Path) -> str:
    """Give a command for a shell that runs the query of the report."""
    path = json.dumps(str(database), ensure_ascii=False)
    connect = f"import duckdb\nduckdb.connect({path}, read_only=True)"
    code = f'{connect}.sql("""\n{report.QUERY}\n""").show()'
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


if __name__ == "__main__":
    options = command.parser("tools.demo", __doc__)
    options.add_argument("--seed", type=int, default=1, help="the same seed gives the same data")
    sys.exit(command.main(run, options.parse_args()))
