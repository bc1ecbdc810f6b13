"""Splink, on the columns that our own rules compare; see benchmarks/splink/link.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evaluation.building import ROOT
from evaluation.processes import ProgramError, run
from target_duckdb.names import NO_HIVE, literal

if TYPE_CHECKING:
    import duckdb

    from evaluation.processes import Usage

PYTHON = ROOT / ".venv-splink" / "bin" / "python"
PROGRAM = ROOT / "benchmarks" / "splink" / "link.py"
MODELS = {"plain": "Splink, from the data alone", "labelled": "Splink, given the truth"}
OPTIONS = f"header=true, all_varchar=true, {NO_HIVE}"

COMPANY_RECORDS = """
select
    keys.{id} as unique_id, cores.core_name, left(keys.squeezed_name, 6) as beginning,
    keys.vat_number, keys.house_number || '|' || keys.street_token as address,
    keys.postal_code, keys.city, keys.country,
    words.words, words.words[1] as first_word, words.words[2] as second_word,
    domains.domains, phones.phones
from intermediate.int_{side}__match_keys as keys
left join intermediate.int_names__cores as cores on keys.core_number = cores.core_number
left join (
    select core_number, list(token order by rarity_rank) as words
    from intermediate.int_names__tokens group by core_number
) as words on keys.core_number = words.core_number
left join (
    select {id}, list(domain) as domains from intermediate.int_{side}__domains group by {id}
) as domains on keys.{id} = domains.{id}
left join (
    select {id}, list(phone) as phones from intermediate.int_{side}__phones group by {id}
) as phones on keys.{id} = phones.{id}
"""
PERSON_RECORDS = """
select
    keys.person_id as unique_id, keys.first_key as first_name, keys.last_key as last_name,
    keys.birth_date, keys.email, phones.phones, keys.postal_code, keys.city,
    keys.house_number || '|' || keys.street_end as address
from intermediate.int_persons__keys as keys
left join (
    select person_number, list(phone) as phones
    from intermediate.int_persons__phones group by person_number
) as phones on keys.person_number = phones.person_number
where keys.side = '{side}'
"""


class Kind(NamedTuple):
    """What contacts are linked with: queries of both sides, and the column of the other's id."""

    name: str
    contacts: str
    others: str
    id: str


COMPANIES = Kind(
    "companies",
    COMPANY_RECORDS.format(side="contacts", id="contact_id"),
    COMPANY_RECORDS.format(side="companies", id="company_id"),
    "company_id",
)
PERSONS = Kind(
    "persons",
    PERSON_RECORDS.format(side="contact"),
    PERSON_RECORDS.format(side="person"),
    "kizen_contact_id",
)


def link(
    connection: duckdb.DuckDBPyConnection, folder: Path, kind: Kind = COMPANIES
) -> tuple[dict[str, str], Usage]:
    """Let Splink link the contacts of a built DuckDB file whose truth is the table `truth`.

    Returns:
        By the model's name a query of its links, and what both models took together.

    Raises:
        ProgramError: Splink failed, or is not set up.
    """
    python = Path(os.environ.get("SPLINK_PYTHON", PYTHON))
    if not python.exists():
        msg = "Splink is not set up: make .venv-splink/ready"
        raise ProgramError(msg)
    folder.mkdir()
    queries = {
        "contacts": kind.contacts,
        "others": kind.others,
        "truth": f"select contact_id, {kind.id} as other_id from truth",
    }
    for name, query in queries.items():
        connection.execute(f"copy ({query}) to {literal(f'{folder / name}.parquet')}")
    usage = run([str(python), str(PROGRAM), kind.name, str(folder)], folder / "splink.log")
    links = {
        title: f"select contact_id, other_id as {kind.id}"
        f" from read_csv({literal(f'{folder / name}.csv')}, {OPTIONS})"
        for name, title in MODELS.items()
    }
    return links, usage
