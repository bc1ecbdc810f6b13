"""Tell why a contact has its company: `make explain CONTACT=…`."""

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
LEVELS = "select feature, level, weight, wording from seeds.link_levels"
# In the order in which they are told; what is null says nothing.
FEATURES = (
    "name", "team", "name_city", "letters", "contact_words", "company_words", "first_word",
    "contact_missing", "company_missing", "rarest_word", "shared_rarity", "contact_rival",
    "company_rival", "name_standing", "form", "vat", "domain", "domain_standing", "phone",
    "address", "city", "country",
)  # fmt: skip
LINK = "select * from marts.contact_company_links where contact_id = ?"
OVERRIDES = """
select decision, company_id, author, reason, decided_at, effect
from intermediate.int_link_overrides__checked where contact_id = ? order by decided_at, company_id
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
    print(f"Link: {_link(link)}")
    print(f"      {link['reasons']}")
    for decision in rows(connection, OVERRIDES, contact_id):
        print(
            f"Override: {decision['decision']} {decision['company_id']}, by {decision['author']},"
            f" {decision['decided_at']}: {printable(str(decision['reason']))}"
            f" ({decision['effect']})"
        )
    candidates = rows(connection, CANDIDATES, contact_id)
    if not candidates:
        print("\nNo company shares a key with this contact.")
        return True
    levels = {
        (row["feature"], row["level"]): (row["weight"], row["wording"])
        for row in rows(connection, LEVELS)
    }
    for place, candidate in enumerate(candidates):
        chosen = candidate["company_id"] == link["company_id"]
        title = "The company" if chosen else f"Candidate {place + 1}"
        print(f"\n{title}: {printable(str(candidate['company_name']))} ({candidate['company_id']})")
        print(table(["feature", "level", "points", "sum", ""], _waterfall(candidate, levels)))
    return True


def _link(link: dict[str, Any]) -> str:
    if link["company_id"] is None:
        return str(link["status"])
    facts = [f"{link['status']}: {link['company_id']}"]
    facts += [
        f"{name} {link[name]}"
        for name in ("tier", "score", "margin", "confidence")
        if link[name] is not None
    ]
    return ", ".join(facts)


def _waterfall(
    candidate: dict[str, Any], levels: dict[tuple[str, str], tuple[int, str | None]]
) -> list[tuple[object, ...]]:
    """Return a row per feature that says something: level, points, their sum so far, wording."""
    total, _ = levels["pair", "any"]
    steps: list[tuple[object, ...]] = [("", "", f"{total:+}", total, "what any pair begins with")]
    for feature in FEATURES:
        level = candidate[f"{feature}_level"]
        if level is None:
            continue
        weight, wording = levels.get((feature, level), (0, ""))
        total += weight
        steps.append((feature, level, f"{weight:+}", total, wording or ""))
    return [*steps, ("score", "", "", candidate["score"], "")]


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
        print(f"DB={given.db}: there is no such file", file=sys.stderr)
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
