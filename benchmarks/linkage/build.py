"""What linking costs: the build over N contacts and N companies, beside the build over none.

Run it where `make evaluate` has set up its environments: `.venv-dev/bin/python -m
benchmarks.linkage.build --records 100000`. Prints seconds from start to end, seconds of processor
time and the most memory, of both builds and of the difference; other work on the machine changes
the first much more than the second. With `--splink` also what Splink takes to link the same keys;
with `--people` what people of the CRM cost beside companies.

Exit code 0: within what `--most-seconds` and `--most-megabytes` allow; 1: not, or a program failed;
2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import duckdb

from evaluation import peer
from evaluation.building import build_links
from evaluation.inputs import InputError, People, copy_raw_tables, generate, load_truth
from evaluation.processes import ProgramError, Usage
from tools.demo.report import table

WITHIN, ABOVE, WRONG_USAGE = 0, 1, 2
HOUSEHOLDS = 0.1


def measure(
    records: int, seed: int, folder: Path, *, splink: bool, people: bool
) -> dict[str, Usage]:
    """Build over no rows and over `records` contacts and companies, and tell what each took.

    With `people` the first build has contacts and companies, but no people of the CRM.

    Raises:
        InputError: the sandbox refuses the number.
        ProgramError: dbt or Splink failed.
    """
    # Of one name, beside what dbt writes: it parses the project anew where the path is another.
    full, empty = folder / "full" / "warehouse.duckdb", folder / "empty" / "warehouse.duckdb"
    truth = folder / "truth.csv"
    for warehouse in (full, empty):
        warehouse.parent.mkdir()
    given = People(folder / "truth_people.csv", HOUSEHOLDS) if people else None
    generate(full, truth, contacts=records, companies=records, seed=seed, people=given)
    copy_raw_tables(full, empty)
    with duckdb.connect(empty) as connection:
        for table in (
            ("kizen.client_client",) if people else ("kananas.contacts", "kizen.companies")
        ):
            connection.execute(f"truncate {table}")
    usages = {}
    names = ("no people", count_of_people(full)) if people else ("no rows", f"{records:,} each")
    for name, warehouse in zip(names, (empty, full), strict=True):
        usages[name] = build_links(warehouse, warehouse.parent, {})
    if splink:
        with duckdb.connect(full, read_only=True) as connection:
            load_truth(connection, truth)
            _, usages["Splink"] = peer.link(connection, folder / "splink")
    return usages


def count_of_people(warehouse: Path) -> str:
    """Return how many people of the CRM there are, for the table."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        found = connection.execute("select count(*) from kizen.client_client").fetchone()
    return f"{found[0] if found else 0:,} people"


def report(usages: dict[str, Usage]) -> Usage:
    """Print the table, and return what the rows cost more than none."""
    empty, full, *_ = usages.values()
    difference = Usage(
        full.seconds - empty.seconds,
        full.processor_seconds - empty.processor_seconds,
        full.peak_bytes,
    )
    rows = [
        (
            name,
            f"{usage.seconds:.1f}",
            f"{usage.processor_seconds:.1f}",
            f"{usage.peak_bytes / 1e6:,.0f}",
        )
        for name, usage in (*usages.items(), ("linking", difference))
    ]
    print(table(["build", "seconds", "processor seconds", "MB"], rows))
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{os.cpu_count()} cores; processes that wanted one (1, 5, 15 minutes): {busy}")
    return difference


def main() -> int:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linkage.build", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="contacts, and companies")
    parser.add_argument("--seed", type=int, default=101, help="of the generated data")
    parser.add_argument("--most-seconds", type=float, help="that rows may cost more than none")
    parser.add_argument("--most-megabytes", type=float, help="of memory at a time")
    parser.add_argument("--splink", action="store_true", help="run Splink, too")
    parser.add_argument("--people", action="store_true", help="what people of the CRM cost")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="linkage-") as folder:
            usages = measure(
                arguments.records,
                arguments.seed,
                Path(folder),
                splink=arguments.splink,
                people=arguments.people,
            )
    except InputError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    except ProgramError as error:
        print(error, file=sys.stderr)
        return ABOVE
    cost = report(usages)
    above = [
        f"{what}: {found:,.1f}, at most {most:,.1f} is allowed"
        for what, found, most in (
            ("seconds", cost.seconds, arguments.most_seconds),
            ("MB", cost.peak_bytes / 1e6, arguments.most_megabytes),
        )
        if most is not None and found > most
    ]
    for line in above:
        print(line, file=sys.stderr)
    return ABOVE if above else WITHIN


if __name__ == "__main__":
    sys.exit(main())
