"""Build the links of persons in a DuckDB file and score them: `make evaluate-people`."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from evaluation import peer
from evaluation.building import PERSON_LINKS, build_links, model_seconds, variables
from evaluation.command import DONE, FAILED, run_in_folder
from evaluation.floor import Floor, Result
from evaluation.inputs import (
    TRUTH_PEOPLE_COLUMNS,
    InputError,
    People,
    check_output,
    copy_raw_tables,
    generate,
    load_truth,
)
from evaluation.processes import progress
from evaluation.report import print_columns
from evaluation.scores import AUTO, LINKED, Score
from tools.demo.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

GENERATED = 20_000
HOUSEHOLDS = 0.1
FLOOR = Floor(
    F1=0.98, precision=0, recall=0, auto_precision=0.998, auto_recall=0.94, blocking_recall=0.99
)
# The id is read by its name alone, whatever the map says.
PERSON_COLUMNS = (
    "(from marts.crm_mapping_report where raw_table = '{}' and raw_column is distinct from 'id')"
)
SCORED = ["", "links", "right", "precision", "recall", "F1"]
LINKS = "select contact_id, kizen_contact_id from marts.contact_person_links where {}"
CANDIDATES = """
select contacts.person_id as contact_id, people.person_id as kizen_contact_id
from intermediate.int_persons__candidates as pairs
inner join intermediate.int_persons__keys as contacts
    on pairs.contact_number = contacts.person_number
inner join intermediate.int_persons__keys as people on pairs.kizen_number = people.person_number
"""
SIMPLER = """
select contacts.person_id as contact_id, people.person_id as kizen_contact_id
from intermediate.int_persons__keys as contacts
inner join intermediate.int_persons__keys as people on {}
where contacts.side = 'contact' and people.side = 'person'
"""
# Who has two links in the truth is registered twice. Persons the truth does not name may be, too.
# Contacts that are organisations are compared elsewhere, and the truth knows nothing of them.
DUPLICATES = """
with right_pairs as (
    select 'kananas_contact' as kind, one.contact_id as one, other.contact_id as other
    from truth as one inner join truth as other using (kizen_contact_id)
    where one.contact_id <> other.contact_id
    union
    select 'kizen_contact', one.kizen_contact_id, other.kizen_contact_id
    from truth as one inner join truth as other using (contact_id)
    where one.kizen_contact_id <> other.kizen_contact_id
),

pairs as (select * from intermediate.int_duplicates__persons)

select
    sides.kind,
    (select count(*) from pairs where pairs.side = sides.side),
    (
        select count(*) from pairs
        inner join right_pairs
            on sides.kind = right_pairs.kind
            and pairs.left_id = right_pairs.one and pairs.right_id = right_pairs.other
        where pairs.side = sides.side
    ),
    (select count(*) // 2 from right_pairs where right_pairs.kind = sides.kind)
from (values ('kananas_contact', 'contact'), ('kizen_contact', 'person')) as sides (kind, side)
order by sides.kind
"""
PEERS = {
    "equal e-mail": SIMPLER.format("contacts.email = people.email"),
    "equal names and birth date": SIMPLER.format(
        "contacts.first_key = people.first_key and contacts.last_key = people.last_key"
        " and contacts.birth_date = people.birth_date"
    ),
    "equal names": SIMPLER.format(
        "contacts.first_key = people.first_key and contacts.last_key = people.last_key"
    ),
}


def score(connection: duckdb.DuckDBPyConnection, pairs: str) -> Score:
    """Score pairs (contact_id, kizen_contact_id) against the table `truth`.

    A contact who is in the CRM twice has two right links; one of them is all that can be found.
    """
    links, right, true = connection.execute(
        "select count(*), count(truth.contact_id),"
        " (select count(distinct contact_id) from truth)"
        f" from (select distinct contact_id, kizen_contact_id from ({pairs})) as pairs"
        " left join truth using (contact_id, kizen_contact_id)"
    ).fetchone() or (0, 0, 0)
    return Score(links, right, true)


def measured(connection: duckdb.DuckDBPyConnection) -> Result:
    """Return how good the links of persons are."""
    every = score(connection, LINKS.format(LINKED))
    auto = score(connection, LINKS.format(AUTO))
    found = connection.execute(
        "select count(distinct contact_id) / (select count(distinct contact_id) from truth)"
        f" from truth inner join ({CANDIDATES}) using (contact_id, kizen_contact_id)"
    ).fetchone() or (0,)
    return Result(
        every.f1, every.precision, every.recall, auto.precision, auto.recall, float(found[0])
    )


def print_report(connection: duckdb.DuckDBPyConnection, splink_folder: Path | None) -> None:
    """Print the links against the truth, per tier and confidence, and what other ways find.

    Raises:
        ProgramError: Splink failed.
    """
    ways = {"auto": LINKS.format(AUTO), "auto and review": LINKS.format(LINKED), **PEERS}
    if splink_folder:
        progress("Splink links the same data")
        links, usage = peer.link(connection, splink_folder, peer.PERSONS)
        ways.update(links)
    rows = [_scored(name, score(connection, query)) for name, query in ways.items()]
    print("\nPersons against the truth:")
    print(table(SCORED, rows[:2]))
    print("\nThe same data, linked otherwise:")
    print(table(SCORED, rows[2:]))
    print(f"Splink: both models in {usage}" if splink_folder else "Splink is left out (SPLINK=0)")
    for column in ("tier", "confidence"):
        groups = connection.execute(
            f"select {column}::varchar, status, count(*), count(truth.contact_id),"
            " format('{:.4f}', count(truth.contact_id) / count(*))"
            " from marts.contact_person_links as links"
            " left join truth using (contact_id, kizen_contact_id)"
            f" where {LINKED} group by 1, 2 order by 2, 1"
        ).fetchall()
        print(f"\nPer {column}:")
        print(table([column, "status", "links", "right", "precision"], groups))
    print("\nPossible duplicates, of persons that the truth knows to be in one system twice:")
    found = connection.execute(DUPLICATES).fetchall()
    rows = [
        (kind, *_scored("", Score(links, right, true))[1:], true)
        for kind, links, right, true in found
    ]
    print(table(["kind", *SCORED[1:], "in the truth"], rows))
    wrong, families = connection.execute(
        "select count(*), count(case when evidence_email like '%same%'"
        " or evidence_phone is not null then 1 end) from marts.contact_person_links as links"
        " left join truth using (contact_id, kizen_contact_id)"
        f" where {AUTO} and truth.contact_id is null"
    ).fetchone() or (0, 0)
    print(f"{wrong:,} auto links are wrong; {families:,} of them between two with one address")
    capped = connection.execute(
        "select count(*), coalesce(sum(pair_count), 0)::bigint"
        " from intermediate.int_persons__capped_keys"
    ).fetchone() or (0, 0)
    print(f"{capped[0]:,} keys are too common to be looked at ({capped[1]:,} pairs)")


def _scored(name: str, found: Score) -> Sequence[object]:
    shares = (f"{value:.4f}" for value in (found.precision, found.recall, found.f1))
    return (name, found.links, found.right, *shares)


def evaluate(arguments: argparse.Namespace, folder: Path) -> int:
    """Build, print the scores, and say whether they are above the floor.

    Raises:
        InputError: what was given cannot be evaluated.
        ProgramError: dbt or Splink failed.
    """
    floor = Floor.parsed(arguments.floor, FLOOR)
    values = variables(arguments.vars)
    warehouse, truth = folder / "warehouse.duckdb", folder / "truth_people.csv"
    given = {"DB": arguments.db, "TRUTH_PEOPLE": arguments.truth_people}
    if arguments.keep:
        check_output("KEEP", Path(arguments.keep), given)
    if bool(arguments.db) != bool(arguments.truth_people):
        msg = "DB and TRUTH_PEOPLE go together: a DuckDB file, and who its contacts are in the CRM"
        raise InputError(msg)
    if arguments.db:
        truth = Path(arguments.truth_people)
        copy_raw_tables(Path(arguments.db), warehouse)
    else:
        seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed  # noqa: S311
        contacts = GENERATED if arguments.contacts is None else arguments.contacts
        households = HOUSEHOLDS if arguments.households is None else arguments.households
        chosen = f"SEED={seed} CONTACTS={contacts} HOUSEHOLDS={households}"
        print(f"Generated data: {chosen}", flush=True)
        generate(
            warehouse,
            folder / "truth.csv",
            contacts=contacts,
            companies=contacts,
            seed=seed,
            people=People(truth, households),
        )
    with duckdb.connect(warehouse) as connection:
        load_truth(connection, truth, TRUTH_PEOPLE_COLUMNS, "TRUTH_PEOPLE")
    progress("dbt builds the links of persons")
    usage = build_links(warehouse, folder, values, PERSON_LINKS)
    with duckdb.connect(warehouse, read_only=True) as connection:
        load_truth(connection, truth, TRUTH_PEOPLE_COLUMNS, "TRUTH_PEOPLE")
        known = connection.execute(
            "select count(*) from truth"
            " inner join staging.stg_kananas__contacts using (contact_id)"
            " inner join staging.stg_kizen__contacts using (kizen_contact_id)"
        ).fetchone()
        if known == (0,):
            msg = "TRUTH_PEOPLE: no row of it has ids of a contact and of a person of the CRM"
            raise InputError(msg)
        print_columns(connection, "contacts", "marts.contact_mapping_report")
        people = connection.execute(
            "select distinct raw_table from marts.crm_mapping_report"
            " where raw_table in ('client_client', 'clients') order by raw_table"
        ).fetchall()
        for (name,) in people:
            print_columns(connection, f"kizen.{name}", PERSON_COLUMNS.format(name))
        print_report(connection, folder / "splink" if arguments.splink else None)
        result = measured(connection)
    print(f"\nLinks built in {usage}; {model_seconds(folder):.1f} s of it in the models")
    if arguments.keep:
        shutil.copyfile(warehouse, arguments.keep)
        print(f"The built DuckDB file: {arguments.keep}")
    below = floor.below(result)
    for line in below:
        print(f"Below the floor: {line}", file=sys.stderr)
    print(result, flush=True)
    return FAILED if below else DONE


def main(given: Sequence[str] | None = None) -> int:
    """Evaluate from the command line: 0 done, 1 failed or below the floor, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.people", description=__doc__)
    parser.add_argument("--db", metavar="DB", help="a DuckDB file with the raw tables; only read")
    parser.add_argument(
        "--truth-people", metavar="TRUTH_PEOPLE", help="a CSV file: contact_id, kizen_contact_id"
    )
    parser.add_argument("--vars", default="", metavar="VARS", help="dbt variables, as JSON or YAML")
    parser.add_argument(
        "--keep", metavar="KEEP", help="where to keep the DuckDB file that was built"
    )
    parser.add_argument("--floor", default="", metavar="FLOOR", help="such as 'F1=0.98 recall=0.9'")
    parser.add_argument("--seed", type=int, help="of generated data; otherwise a new one each time")
    parser.add_argument("--contacts", type=int, help="how many to generate")
    parser.add_argument("--households", type=float, help="families to add, of all contacts")
    parser.add_argument("--no-splink", dest="splink", action="store_false", help="leave Splink out")
    arguments = parser.parse_args(given)
    return run_in_folder(lambda folder: evaluate(arguments, folder), "evaluation-")


if __name__ == "__main__":
    sys.exit(main())
