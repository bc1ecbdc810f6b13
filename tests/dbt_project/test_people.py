"""Who a contact is in the CRM: what two systems write differently, and who only looks the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.dbt_project.project import VARIABLES, read, untranslated, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.dbt_project.project import Project


class Row(NamedTuple):
    """A contact of Kananas, or a person of the CRM."""

    id: str
    first_name: str
    last_name: str
    email: str | None = None
    phone: str | None = None
    birth_date: str | None = None
    city: str | None = None
    organisation: str | None = None


CONTACTS = [
    Row("accents", "Élise", "Dupré", "elise@mail.fr"),
    Row("hyphen", "Jean-Marc", "de La Fontaine", birth_date="1961-05-30"),
    Row("short form", "Tom", "Bertheau", phone="06 11 11 11 11"),
    Row("swapped columns", "Vasseur", "Irène", "irene@mail.fr", birth_date="1970-03-04"),
    Row("swapped date", "Colette", "Bruneau", "colette@mail.fr", birth_date="1955-04-09"),
    Row("maiden name", "Nadia", "Perrot", "nadia@mail.fr", birth_date="1982-07-19"),
    Row("double name", "Agathe", "Morvan-Lebel", "agathe@mail.fr"),
    Row("slip", "Florence", "Grandjaen", "flo@mail.fr", birth_date="1990-10-10"),
    Row("particle", "Wouter", "van den Berghe", phone="+32 470 22 22 22"),
    Row("employer", "Sabine", "Kowalski", organisation="Menuiserie Darbois"),
    # A family with one address and one number: the CRM knows the mother alone.
    Row("father", "Paul", "Savary", "savary@mail.fr", "06 33 33 33 33", "1972-01-02"),
    Row("mother", "Claire", "Savary", "savary@mail.fr", "06 33 33 33 33", "1974-02-03"),
    Row("child", "Hugo", "Savary", "savary@mail.fr", "06 33 33 33 33", "2005-03-04"),
    # Twins: the CRM knows one of the first pair, and the other one's sister of the second.
    Row("twin known", "Louise", "Ferrand", "ferrand@mail.fr", birth_date="2008-08-08"),
    Row("twin unknown", "Louis", "Ferrand", "ferrand@mail.fr", birth_date="2008-08-08"),
    Row("twin alone", "Elina", "Tissot", "tissot@mail.fr", birth_date="2009-09-09"),
    Row("compound twin", "Jean-Luc", "Mercier", "mercier@mail.fr", birth_date="2001-01-11"),
    Row("compound twin too", "Jean-Paul", "Mercier", "mercier@mail.fr", birth_date="2001-01-11"),
    # Fathers and sons of one name.
    Row("son", "Henri", "Delorme", "delorme@mail.fr", "06 44 44 44 44", "1985-06-07"),
    Row("elder", "Marcel", "Aubry", "aubry@mail.fr", birth_date="1950-02-14"),
    Row("younger", "Marcel", "Aubry", "aubry@mail.fr", birth_date="1979-11-23"),
    # A board with the association's address; another member of it has the secretary's first name.
    Row("president", "Yves", "Guillard", "bureau@club.fr", "04 55 55 55 55"),
    Row("treasurer", "Odile", "Marchetti", "bureau@club.fr", "04 55 55 55 55"),
    Row("namesake by first name", "Odile", "Pasquier", "bureau@club.fr", "04 55 55 55 55"),
    # Somebody who registered twice, and somebody whom the CRM has twice.
    Row("twice a", "Renée", "Castelain", "renee@mail.fr"),
    Row("twice b", "Renée", "Castelain", "renee@mail.fr"),
    Row("twice in the CRM", "Boris", "Lemarchand", phone="06 66 66 66 66"),
    Row("initial", "Gaston", "Peltier", "peltier@mail.fr"),
    Row("other first name", "Anaïs", "Rouvier", "rouvier@mail.fr", birth_date="1999-09-19"),
    Row("organisation", "", "", "info@firme.fr", organisation="Firme SA"),
    Row("stranger", "Zénobie", "Quentin", "zenobie@mail.fr"),
]
PEOPLE = [
    Row("p-accents", "ELISE", "DUPRE", "Elise@mail.fr"),
    Row("p-hyphen", "Jean Marc", "FONTAINE", birth_date="1961-05-30"),
    Row("p-short", "Thomas", "Bertheau", phone="+33611111111"),
    Row("p-swapped", "Irène", "Vasseur", "irene@mail.fr"),
    Row("p-date", "Colette", "Bruneau", "colette@mail.fr", birth_date="1955-09-04"),
    Row("p-maiden", "Nadia", "Belkacem", "nadia@mail.fr", birth_date="1982-07-19"),
    Row("p-double", "Agathe", "Lebel", "agathe@mail.fr"),
    Row("p-slip", "Florence", "Grandjean", birth_date="1990-10-10"),
    Row("p-particle", "Wouter", "Vandenberghe", phone="0470/22.22.22"),
    Row("p-employer", "Sabine", "Kowalski", organisation="k1"),
    Row("p-mother", "Claire", "Savary", "savary@mail.fr", "06 33 33 33 33"),
    Row("p-twin", "Louise", "Ferrand", "ferrand@mail.fr", birth_date="2008-08-08"),
    Row("p-twin-sister", "Elena", "Tissot", "tissot@mail.fr", birth_date="2009-09-09"),
    Row("p-compound", "Jean", "Mercier", "mercier@mail.fr", birth_date="2001-01-11"),
    Row("p-father", "Henri", "Delorme", "delorme@mail.fr", "06 44 44 44 44", "1954-12-01"),
    Row("p-elder", "Marcel", "Aubry", birth_date="1950-02-14"),
    Row("p-younger", "Marcel", "Aubry", "aubry@mail.fr", birth_date="1979-11-23"),
    Row("p-treasurer", "Odile", "Marchetti", "bureau@club.fr"),
    Row("p-twice", "Renée", "Castelain", "renee@mail.fr"),
    Row("p-double-1", "Boris", "Lemarchand", "boris@mail.fr", "06 66 66 66 66"),
    Row("p-double-2", "Boris", "Lemarchand", "lemarchand@mail.fr", "06 66 66 66 66"),
    Row("p-initial", "G.", "Peltier", "peltier@mail.fr"),
    Row("p-other", "Manon", "Rouvier", "rouvier@mail.fr", birth_date="1999-09-19"),
]
LINKS = {
    "accents": ("p-accents", "auto", "email and name"),
    "hyphen": ("p-hyphen", "auto", "birth date and name"),
    "short form": ("p-short", "auto", "phone and name"),
    "swapped columns": ("p-swapped", "auto", "email and name"),
    "swapped date": ("p-date", "auto", "email and name"),
    "maiden name": ("p-maiden", "auto", "first name"),
    "double name": ("p-double", "auto", "email and name"),
    "slip": ("p-slip", "auto", "birth date and name"),
    "particle": ("p-particle", "auto", "phone and name"),
    "employer": ("p-employer", "auto", "employer and name"),
    "mother": ("p-mother", "auto", "email and name"),
    "twin known": ("p-twin", "auto", "email and name"),
    "elder": ("p-elder", "auto", "birth date and name"),
    "younger": ("p-younger", "auto", "email and name"),
    "treasurer": ("p-treasurer", "auto", "email and name"),
    "twice a": ("p-twice", "review", "email and name"),
    "twice b": ("p-twice", "review", "email and name"),
    "twice in the CRM": ("p-double-1", "review", "phone and name"),
    "initial": ("p-initial", "review", "email and name"),
}


def _values(rows: Sequence[Row]) -> str:
    def literal(value: str | None) -> str:
        return "null" if value is None else "'" + value.replace("'", "''") + "'"

    return ", ".join(f"({', '.join(map(literal, row))})" for row in rows)


def _load(database: Path, contacts: Sequence[Row], people: Sequence[Row]) -> None:
    columns = "id, first_name, last_name, email, phone, birth_date, city, organisation"
    write(
        database,
        "create schema kananas",
        "create schema kizen",
        f"create table kananas.contacts as from (values {_values(contacts)}) as rows ({columns})",
        "create table kizen.client_client as"
        " select id, first_name, last_name, email, phone as mobile_phone,"
        " birth_date::date as birthday, organisation as company_primary_id"
        f" from (values {_values(people)}) as rows ({columns})",
        "create table kizen.companies as select 'k1' as id, 'Menuiserie Darbois SARL' as name",
    )


def _build(project: Project, database: Path) -> None:
    left_out = ("seed", "test", "unit_test")
    run = project.run(
        database, "build", "--select", "+person_link_changes",
        "--exclude-resource-type", *left_out,
    )  # fmt: skip
    assert run.exit_code == 0, run.output


@pytest.fixture
def traps(project: Project, seeded: Path) -> Path:
    """A DuckDB file with each trap once, and its links."""
    _load(seeded, CONTACTS, PEOPLE)
    _build(project, seeded)
    return seeded


def test_each_trap(traps: Path) -> None:
    links = read(
        traps,
        "select contact_id, kizen_contact_id, status, tier from marts.contact_person_links",
    )
    assert len(links) == len(CONTACTS)
    assert {link[0]: link[1:] for link in links if link[1]} == LINKS
    reasons = dict(read(traps, "select contact_id, reasons from marts.contact_person_links"))
    assert untranslated(reasons.values()) == set()
    for contact, reason in {
        "organisation": "the contact is an organisation, or has no name",
        "stranger": "nobody in the CRM shares a key with it",
        "father": "nobody in the CRM has its first name and agrees in more",
    }.items():
        assert reasons[contact] == reason
    assert reasons["twice a"].endswith("another contact, twice b, agrees as well with the person")
    assert reasons["twice in the CRM"].endswith(
        "another person agrees as well: the smaller id is proposed"
    )


def test_the_order_of_rows_and_people_who_decide(traps: Path, project: Project) -> None:
    """The same rows give the same links in any order; what a person decided wins."""
    query = "from marts.contact_person_links order by contact_id"
    before = read(traps, query)
    write(
        traps,
        "create table other as from kananas.contacts order by hash(id)",
        "create or replace table kananas.contacts as from other",
        "create or replace table other as from kizen.client_client order by hash(id)",
        "create or replace table kizen.client_client as from other",
        "drop table other",
    )
    _build(project, traps)
    assert read(traps, query) == before
    write(
        traps,
        "insert into seeds.person_overrides values"
        " ('twice a', 'p-twice', 'force', 'Ida', 'the older account', '2026-01-01'),"
        " ('accents', 'p-accents', 'forbid', 'Ida', null, '2026-01-01')",
    )
    _build(project, traps)
    decided = read(
        traps,
        "select contact_id, kizen_contact_id, status, reasons from marts.contact_person_links"
        " where contact_id in ('accents', 'twice a', 'twice b') order by contact_id",
    )
    assert decided == [
        ("accents", None, "forbidden", "ruled out by Ida"),
        ("twice a", "p-twice", "forced", "decided by Ida: the older account"),
        ("twice b", None, "none", "nobody in the CRM has its first name and agrees in more"),
    ]
    changes = read(
        traps,
        "select contact_id, change, previous_kizen_contact_id, kizen_contact_id"
        " from marts.person_link_changes where in_last_build order by contact_id",
    )
    assert changes == [
        ("accents", "person lost", "p-accents", None),
        ("twice a", "other status", "p-twice", "p-twice"),
        ("twice b", "person lost", "p-twice", None),
    ]


def test_an_account_without_people(project: Project, seeded: Path) -> None:
    _load(seeded, CONTACTS, PEOPLE[:1])
    write(seeded, "drop table kizen.client_client")
    _build(project, seeded)
    assert read(
        seeded, "select distinct status, reasons from marts.contact_person_links order by reasons"
    ) == [
        ("none", "nobody in the CRM shares a key with it"),
        ("none", "the contact is an organisation, or has no name"),
    ]


def test_a_member_has_the_company_that_the_crm_gives_the_same_person(
    project: Project, seeded: Path
) -> None:
    """The CRM's own relation links, waits where something contradicts it, and may be left out."""
    _load(
        seeded,
        [
            Row("member", "Nadia", "Perrot", "nadia@gmail.com"),
            Row("of further firm", "Boris", "Castelain", "boris@gmail.com"),
            Row("moved", "Irène", "Vasseur", "irene@gmail.com", organisation="Menuiserie Darbois"),
            Row("proposed", "Gaston", "Peltier", "peltier@gmail.com"),
            Row("member again", "Nadia", "Perrot", birth_date="1980-01-31", phone="0611111111"),
            Row("stranger", "Zénobie", "Quentin", "zenobie@gmail.com"),
        ],
        [
            Row("p1", "Nadia", "Perrot", "nadia@gmail.com", organisation="k2"),
            Row("p2", "Boris", "Castelain", "boris@gmail.com", organisation="gone"),
            Row("p3", "Irène", "Vasseur", "irene@gmail.com", organisation="k2"),
            Row("p4", "G.", "Peltier", "peltier@gmail.com", organisation="k2"),
            Row("p5", "Nadia", "PERROT", "n.perrot@firme.fr", "06 11 11 11 11", "1980-01-31"),
            Row("p6", "Nadia", "Perrot", None, "+33 6 11 11 11 11", "1980-01-31"),
        ],
    )
    write(
        seeded,
        "insert into kizen.companies values ('k2', 'Transports Novarance')",
        "alter table kizen.client_client add column company_additional json",
        "update kizen.client_client set company_additional ="
        """ '[{"id": "k1", "name": "Menuiserie Darbois SARL"}]' where id = 'p2'""",
        # Where the other variables look for companies.
        "create table kizen.companies_company as from kizen.companies",
    )
    marts = ("+contact_company_links", "+people", "+possible_duplicates")
    run = project.run(seeded, "run", "--select", *marts)
    assert run.exit_code == 0, run.output
    links = {
        contact: rest
        for contact, *rest in read(
            seeded,
            "select contact_id, company_id, status, tier, is_by_person, conflict"
            " from marts.contact_company_links where company_id is not null",
        )
    }
    assert links.pop("member") == ["k2", "auto", "person", True, False]
    assert links.pop("of further firm") == ["k1", "review", "person", True, False]
    assert links.pop("moved")[1:] == ["review", "person", True, True]
    assert not links
    reasons = dict(read(seeded, "select contact_id, reasons from marts.contact_company_links"))
    assert "the CRM gives the same person the company" in reasons["member"]
    assert "names another organisation than the CRM gives the same person" in reasons["moved"]
    duplicates = read(
        seeded,
        "select kind, left_id, right_id, fuller_id from marts.possible_duplicates order by left_id",
    )
    assert duplicates == [("kizen_contact", "p5", "p6", "p5")]
    people = read(
        seeded,
        "select person_key, kizen_contact_id, known_to, email_differs, contact_company_name"
        " from marts.people order by person_key",
    )
    assert ("kananas:member", "p1", "both", False, "Transports Novarance") in people
    assert ("kananas:stranger", None, "Kananas", None, None) in people
    assert ("kizen:p4", "p4", "Kizen", None, None) in people
    run = project.run(seeded, "run", "--select", marts[0], "--vars", json.dumps(VARIABLES))
    assert run.exit_code == 0, run.output
    assert read(
        seeded,
        "select contact_id, company_id, is_by_person from marts.contact_company_links"
        " where company_id is not null",
    ) == [("moved", "k1", False)]
