"""Fit the weights of links to an account's own decisions: `make learn`.

Reads the published copy and the decisions, fits weights to them (`evaluation.own_weights`), and
shows what would change: weights, and links gained, lost and moved. With `--write` it writes the
weights to the file that dbt reads with the next run. It refuses where there are too few decisions,
or where weights that were fitted to a part of them are not better on the rest.

Exit code 0: done; 1: refused, or dbt failed; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from console import settings
from console.decisions.file import default_path, output_folder
from console.published import default_path as published_path
from evaluation.building import database, dbt, own_variables, variables
from evaluation.command import DONE, FAILED, run_in_folder
from evaluation.inputs import InputError
from evaluation.levels import FIXED, SEEDS, read_levels, write_seed
from evaluation.own_weights import cross_validated, decided, objection, own_weights, too_few
from evaluation.processes import progress
from rest_tap.logs import printable
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.levels import Level
    from evaluation.own_weights import Outcome

EXAMPLES = 5
# What decisions change, and what weights do.
DECISIONS = (
    "int_decisions__file+,+contact_company_links",
    "int_links__own_weights+,+contact_company_links",
)
WEIGHTS = ("int_links__own_weights+,+contact_company_links",)

CHANGES = """
with changes as (
    select
        before.contact_id, before.company_id as company_before, after.company_id as company_after,
        case
            when before.company_id is not distinct from after.company_id then 'status alone'
            when before.company_id is null then 'gained'
            when after.company_id is null then 'lost'
            else 'moved'
        end as change,
        before.status as status_before, after.status as status_after
    from links_before as before
    inner join marts.contact_company_links as after using (contact_id)
    where before.status <> after.status or before.company_id is distinct from after.company_id
)
"""
COUNTED = f"""{CHANGES}
select change, status_before, status_after, count(*) from changes group by all order by all
"""
LISTED = f"""{CHANGES}
select change, contact_id, contacts.organisation_name,
    coalesce(befores.company_name, company_before), coalesce(afters.company_name, company_after)
from changes
inner join intermediate.int_contacts__match_keys as contacts using (contact_id)
left join intermediate.int_companies__match_keys as befores on company_before = befores.company_id
left join intermediate.int_companies__match_keys as afters on company_after = afters.company_id
where change <> 'status alone'
qualify row_number() over (partition by change order by contact_id) <= {EXAMPLES}
order by change, contact_id
"""


def default_output() -> Path:
    """Return the file of own weights that a run reads."""
    given = settings.variables().get("DUCKDB_LINK_LEVELS_PATH")
    return Path(given).expanduser() if given else output_folder() / "link_levels.csv"


class Account:
    """A copy of what an account has, on which links are built with other decisions and weights."""

    def __init__(
        self, copy: Path, decisions: Path, folder: Path, values: Mapping[str, Any] | None = None
    ) -> None:
        """Copy a DuckDB file that dbt has built, which is only read, into a folder.

        Raises:
            InputError: there is no such file.
        """
        if not copy.is_file():
            msg = f"DB={copy}: there is no such file; a run of dbt makes it"
            raise InputError(msg)
        # Views remember the name of the file that they were made in.
        self.warehouse = folder / copy.name
        shutil.copyfile(copy, self.warehouse)
        self.decisions = decisions
        self._folder = folder
        self._values = values or {}

    def build(self, selection: Sequence[str], weights: Path) -> None:
        """Build links anew, as a run would.

        Raises:
            ProgramError: dbt failed.
        """
        environment = {
            **database(self.warehouse, self._folder),
            "DUCKDB_DECISIONS_PATH": str(self.decisions.absolute()),
            "DUCKDB_LINK_LEVELS_PATH": str(weights.absolute()),
        }
        dbt(
            ["run", "--select", *selection], self._folder,
            environment=environment, values=self._values,
        )  # fmt: skip


def write_weights(path: Path, levels: Sequence[Level]) -> None:
    """Write the file of own weights in one step; those that are set by hand stay out of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        (level.feature, level.level, level.weight)
        for level in levels
        if (level.feature, level.level) not in FIXED
    ]
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    os.close(descriptor)
    write_seed(Path(name), ("feature", "level", "weight"), rows)
    Path(name).replace(path)


def learn(arguments: argparse.Namespace, folder: Path) -> int:
    """Fit, show what would change, and write it if asked to.

    Raises:
        InputError: what was given cannot be read.
        ProgramError: dbt failed.
    """
    levels = read_levels(SEEDS / "link_levels.csv")
    output = arguments.output
    values = variables(arguments.vars) if arguments.vars else own_variables()
    account = Account(arguments.db, arguments.decisions, folder, values)
    progress("dbt builds the links with all decisions")
    account.build(DECISIONS, output)
    with duckdb.connect(account.warehouse) as connection:
        given = decided(connection, levels)
        connection.execute("create table links_before as from marts.contact_company_links")
    refused = too_few(given)
    if refused is None:
        shipped, own = cross_validated(given, levels)
        print(_tests(shipped, own))
        refused = objection(shipped, own)
    if refused is not None:
        print(refused, file=sys.stderr)
        return FAILED
    weights = own_weights(given.pairs, levels)
    print(f"\n{_weights(levels, weights)}\n")
    candidate = folder / "link_levels.csv"
    write_weights(candidate, weights)
    progress("dbt builds the links with these weights")
    account.build(WEIGHTS, candidate)
    with duckdb.connect(account.warehouse, read_only=True) as connection:
        print(_changes(connection))
    if arguments.write:
        write_weights(output, weights)
        print(f"\nWritten: {output}. The next run uses it; without the file, links are as shipped.")
    else:
        print(f"\nNothing is written. `make learn WRITE=1` writes {output}.")
    return DONE


def _tests(shipped: Outcome, own: Outcome) -> str:
    rows = [
        (name, f"{test.loss:.4f}", test.right, test.wrong)
        for name, test in (("shipped", shipped), ("own", own))
    ]
    contacts = len(shipped.losses)
    return (
        f"\nOn {contacts} decided contacts, each with weights that were not fitted to it:\n"
        + table(["weights", "log loss", "right links", "wrong links"], rows)
    )


def _weights(levels: Sequence[Level], weights: Sequence[Level]) -> str:
    rows = [
        (level.feature, level.level, level.weight, own.weight, level.wording)
        for level, own in zip(levels, weights, strict=True)
        if level.weight != own.weight
    ]
    return table(["feature", "level", "shipped", "own", ""], rows)


def _changes(connection: duckdb.DuckDBPyConnection) -> str:
    counted = table(
        ["change", "before", "after", "contacts"], connection.execute(COUNTED).fetchall()
    )
    examples = [
        tuple(printable(str(value)) if value is not None else "" for value in row)
        for row in connection.execute(LISTED).fetchall()
    ]
    listed = table(["change", "contact", "names", "company before", "company after"], examples)
    return f"Links that would change:\n{counted}\n\nSome of them:\n{listed}"


def main(given: Sequence[str] | None = None) -> int:
    """Learn from the command line: 0 done, 1 refused or failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.learn", description=__doc__)
    parser.add_argument("--db", type=Path, default=published_path(output_folder()))
    parser.add_argument("--decisions", type=Path, default=default_path())
    parser.add_argument("--output", type=Path, default=default_output())
    parser.add_argument("--vars", default="", help="dbt variables, JSON or YAML")
    parser.add_argument("--write", action="store_true", help="write the weights")
    arguments = parser.parse_args(given)
    return run_in_folder(lambda folder: learn(arguments, folder), "learn-")


if __name__ == "__main__":
    sys.exit(main())
