"""Tell why a contact has its company, and who it is in the CRM: `make explain CONTACT=…`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from rest_tap.logs import printable
from tools.demo.report import fit_any_terminal, table

if TYPE_CHECKING:
    from collections.abc import Sequence

FOUND, FAILED, WRONG_USAGE = 0, 1, 2

CANDIDATES = """
select pairs.*, names.* exclude (contact_core, company_core, name_level, name_score),
    companies.company_name
from intermediate.int_links__scored as pairs
left join intermediate.int_links__name_scores as names using (contact_core, company_core)
inner join intermediate.int_companies__match_keys as companies using (company_number)
where pairs.contact_id = ?
order by pairs.score desc, pairs.company_id
limit 10
"""
PERSONS = """
select pairs.*, coalesce(
    people.full_name, concat_ws(' ', people.first_name, people.last_name)
) as person_name
from intermediate.int_persons__scored as pairs
inner join staging.stg_kizen__contacts as people using (kizen_contact_id)
where pairs.contact_id = ? and not pairs.is_duplicate
order by pairs.score desc, pairs.kizen_contact_id
limit 5
"""
LEVELS = "select feature, level, weight, wording from {}"
# In the order in which they are told; what is null says nothing, and neither does what the version
# that built the file did not know.
FEATURES = (
    "name", "team", "name_city", "letters", "contact_words", "company_words", "first_word",
    "contact_missing", "company_missing", "rarest_word", "shared_rarity", "contact_rival",
    "company_rival", "name_standing", "form", "person", "vat", "domain", "domain_standing", "phone",
    "address", "city", "country",
)  # fmt: skip
PERSON_FEATURES = (
    "first_name", "last_name", "first_rarity", "last_rarity", "namesakes", "email", "phone",
    "birth_date", "address", "families", "employer", "pattern",
)  # fmt: skip
LINK = "select * from marts.contact_company_links where contact_id = ?"
PERSON_LINK = "select * from marts.contact_person_links where contact_id = ?"
OVERRIDES = """
select decision, company_id, author, reason, decided_at, effect
from intermediate.int_link_overrides__checked where contact_id = ? order by decided_at, company_id
"""
PERSON_OVERRIDES = """
select decision, kizen_contact_id, author, reason, decided_at, effect
from intermediate.int_person_overrides__checked
where contact_id = ? order by decided_at, kizen_contact_id
"""
# Tables only: a view in a DuckDB file that was renamed is not found.
CONTACT = "select * from intermediate.int_contacts__match_keys where contact_id = ?"
SAID = (
    "contact_kind", "organisation_name", "email", "vat_number", "house_number", "street_name",
    "postal_code", "city", "country",
)  # fmt: skip


def rows(connection: duckdb.DuckDBPyConnection, query: str, *values: str) -> list[dict[str, Any]]:
    """Answer a query with a dictionary per row."""
    result = connection.execute(query, values)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def explain(connection: duckdb.DuckDBPyConnection, contact_id: str) -> bool:
    """Print what a contact says, its link and each candidate's waterfall; False if unknown."""
    links = rows(connection, LINK, contact_id)
    if not links:
        return False
    (link,) = links
    for contact in rows(connection, CONTACT, contact_id):
        said = ", ".join(str(contact[name]) for name in SAID if contact.get(name))
        print(f"Contact {contact_id}: {printable(said)}")
    print(f"Link: {_link(link, 'company_id')}")
    print(f"      {printable(link['reasons'])}")
    _print_overrides(rows(connection, OVERRIDES, contact_id), "company_id")
    candidates = rows(connection, CANDIDATES, contact_id)
    if not candidates:
        print("\nNo company shares a key with this contact.")
    levels = _levels(connection, "intermediate.int_links__levels")
    for place, candidate in enumerate(candidates):
        chosen = candidate["company_id"] == link["company_id"]
        title = "The company" if chosen else f"Candidate {place + 1}"
        print(f"\n{title}: {printable(str(candidate['company_name']))} ({candidate['company_id']})")
        print(_waterfall(candidate, FEATURES, levels))
    _explain_person(connection, contact_id)
    return True


def _explain_person(connection: duckdb.DuckDBPyConnection, contact_id: str) -> None:
    """Print who a contact is in the CRM, and each candidate's waterfall."""
    (link,) = rows(connection, PERSON_LINK, contact_id)
    print(f"\nIn the CRM: {_link(link, 'kizen_contact_id')}")
    print(f"            {printable(link['reasons'])}")
    _print_overrides(rows(connection, PERSON_OVERRIDES, contact_id), "kizen_contact_id")
    levels = _levels(connection, "seeds.person_levels")
    for place, candidate in enumerate(rows(connection, PERSONS, contact_id)):
        identity = candidate["kizen_contact_id"]
        title = "The person" if identity == link["kizen_contact_id"] else f"Candidate {place + 1}"
        print(f"\n{title}: {printable(str(candidate['person_name']))} ({identity})")
        print(_waterfall(candidate, PERSON_FEATURES, levels))


Levels = dict[tuple[str, str], tuple[int, str | None]]


def _levels(connection: duckdb.DuckDBPyConnection, relation: str) -> Levels:
    return {
        (row["feature"], row["level"]): (row["weight"], row["wording"])
        for row in rows(connection, LEVELS.format(relation))
    }


def _print_overrides(overrides: list[dict[str, Any]], linked: str) -> None:
    for decision in overrides:
        print(
            f"Override: {decision['decision']} {decision[linked]}, by {decision['author']},"
            f" {decision['decided_at']}: {printable(str(decision['reason']))}"
            f" ({decision['effect']})"
        )


def _link(link: dict[str, Any], linked: str) -> str:
    if link[linked] is None:
        return str(link["status"])
    facts = [f"{link['status']}: {link[linked]}"]
    facts += [
        f"{name} {link[name]}"
        for name in ("tier", "score", "margin", "confidence")
        if link[name] is not None
    ]
    return ", ".join(facts)


def _waterfall(candidate: dict[str, Any], features: Sequence[str], levels: Levels) -> str:
    """Return a row per feature that says something: level, points, their sum so far, wording."""
    total, _ = levels["pair", "any"]
    steps: list[tuple[object, ...]] = [("", "", f"{total:+}", total, "what any pair begins with")]
    for feature in features:
        level = candidate.get(f"{feature}_level")
        if level is None:
            continue
        weight, wording = levels.get((feature, level), (0, ""))
        total += weight
        steps.append((feature, level, f"{weight:+}", total, wording or ""))
    steps.append(("score", "", "", candidate["score"], ""))
    return table(["feature", "level", "points", "sum", ""], steps)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Explain the link of one contact from the command line: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.explain", description=__doc__)
    parser.add_argument("contact", metavar="CONTACT", help="the contact's id")
    parser.add_argument(
        "--db", metavar="DB", required=True, help="a DuckDB file that dbt has built"
    )
    given = parser.parse_args(arguments)
    fit_any_terminal()
    if not Path(given.db).is_file():
        advice = "run `make refresh`, which publishes one, or name another"
        print(f"DB={given.db}: there is no such file: {advice}", file=sys.stderr)
        return WRONG_USAGE
    try:
        with duckdb.connect(given.db, read_only=True) as connection:
            known = explain(connection, given.contact)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough. What is left would fail again at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND
    except duckdb.Error as error:
        print(
            f"DB={given.db} was not built by this project's dbt: {_first_line(error)}",
            file=sys.stderr,
        )
        return FAILED
    if not known:
        print(f"CONTACT={given.contact}: DB={given.db} has no such contact", file=sys.stderr)
        return WRONG_USAGE
    return FOUND


if __name__ == "__main__":
    sys.exit(main())
