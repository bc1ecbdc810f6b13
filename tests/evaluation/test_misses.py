"""Each miss is of one kind: the first whose rule the two names fulfil."""

from __future__ import annotations

import duckdb
import pytest

from evaluation import report
from evaluation.misses import FORM_WORDS, Name, Pair, kind, missed, wrong

WEAK = FORM_WORDS | {"association", "club", "sarl", "gmbh", "societe"}


def _pair(
    contact: str, company: str, *, same_core: bool = False, companies: int = 1, present: bool = True
) -> Pair:
    return Pair(Name(contact, WEAK), Name(company, WEAK), same_core, companies, present)


@pytest.mark.parametrize(
    ("contact", "company", "expected"),
    [
        ("", "Tennis Club de Valcourt", "no name on the contact"),
        ("…", "Tennis Club de Valcourt", "no name on the contact"),
        ("Tennis Club de Valcourt", "", "no name on the company"),
        ("L'Éclaircie", "L ECLAIRCIE", "equal name"),
        ("Les Jardins de Zoé", "ASSOCIATION DES JARDINS DE ZOE", "form words only"),
        ("F.C. Valcourt", "Valcourt SV", "form words only"),
        ("CERCLE DES NAGEURS DE VALC", "Cercle des nageurs de Valcourt", "cut"),
        ("Cercle des nag", "Cercle des nageurs de Valcourt", "abbreviation"),
        ("Omnisports (anciennement Zénith)", "Zénith", "former name"),
        ("Lumière ex-Zénith", "Zénith", "former name"),
        ("Voisins - Valcourt", "Voisins", "part"),
        ("Choeur Arioso (Valcourt)", "Choeur Arioso de Montclair", "half the words"),
        ("Arioso/Belcanto", "Belcanto", "part"),
        ("Arioso\u2014 Belcanto", "Belcanto", "part"),
        ("Zénith", "Zénith Valcourt", "all words of one name"),
        ("MJCV", "Maison des jeunes et de la culture de Valcourt", "acronym"),
        ("Maison Jeunes Culture", "M.J.C. Valcourt", "acronym"),
        ("Fed Dep Chasseurs", "Fédération départementale des chasseurs", "abbreviation"),
        ("NTES Handball", "Nantes Handball", "abbreviation"),
        ("Verneégie Audit", "Verenégie Audit", "spelling"),
        ("Harmonie Valcourt", "Harmonie Montclair", "half the words"),
        ("Musée des ours", "Bear Museum", "translated or nothing in common"),
        ("SARL", "Association", "translated or nothing in common"),
        ("Академия", "Academy", "translated or nothing in common"),
    ],
)
def test_a_miss_has_the_kind_of_its_names(contact: str, company: str, expected: str) -> None:
    assert kind(_pair(contact, company)) == expected


def test_an_ambiguous_name_is_told_from_one_that_is_the_companys_alone() -> None:
    assert kind(_pair("Zénith", "ZENITH")) == "equal name"
    several = "equal name that several companies bear"
    assert kind(_pair("Zénith", "ZENITH", same_core=True, companies=2)) == several
    assert kind(_pair("Zénith SARL", "Zénith", same_core=True, companies=2)) == several


def test_a_true_link_of_nobody_is_told() -> None:
    assert kind(_pair("", "", present=False)) == "contact or company not in the data"


BUILT = """
create schema intermediate; create schema marts; create schema seeds;
create table seeds.common_words as select 'club' as word, 'name' as found_in;
create table seeds.legal_forms as select 's.a r.l' as legal_form;
create table intermediate.int_contacts__match_keys as
select * from (values
    ('1', 'Zénith', 1), ('2', null, null), ('3', 'MJCV', 3), ('4', 'Arioso Club', 4),
    ('5', 'Bear Museum', 5)
) as contacts (contact_id, organisation_name, core_number);
create table intermediate.int_companies__match_keys as
select * from (values
    ('a', 'Zenith', 1), ('b', 'ZENITH', 1), ('c', 'Maison Jeunes Culture Valcourt', 6),
    ('d', 'Arioso', 7), ('e', 'Arioso Chorale', 8)
) as companies (company_id, company_name, core_number);
create table intermediate.int_links__scored as
select * from (values ('1', 'a'), ('4', 'd'), ('4', 'e'), ('5', 'd'))
    as candidates (contact_id, company_id);
create table marts.contact_company_links as
select * from (values ('4', 'e', 'review'), ('5', 'd', 'auto'), ('1', null, 'none'))
    as links (contact_id, company_id, status);
create table truth as
select * from (values ('1', 'a'), ('2', 'b'), ('3', 'c'), ('4', 'd'), ('9', 'd'))
    as truth (contact_id, company_id);
"""


@pytest.fixture
def built() -> duckdb.DuckDBPyConnection:
    """Return a file that looks as if it were built, with five misses and two wrong links."""
    connection = duckdb.connect()
    connection.execute(BUILT)
    return connection


def test_misses_are_counted_by_kind_in_the_order_of_the_rules(
    built: duckdb.DuckDBPyConnection,
) -> None:
    found = missed(built)
    assert [(one.name, one.links, one.marked) for one in found] == [
        ("contact or company not in the data", 1, 1),
        ("no name on the contact", 1, 1),
        ("equal name that several companies bear", 1, 0),
        ("form words only", 1, 0),
        ("acronym", 1, 1),
    ]


def test_wrong_links_are_counted_by_kind(built: duckdb.DuckDBPyConnection) -> None:
    assert [(one.name, one.links, one.marked) for one in wrong(built)] == [
        ("all words of one name", 1, 0),
        ("translated or nothing in common", 1, 1),
    ]


def test_names_are_printed_only_if_examples_are_asked_for(
    built: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    report.kinds_of_miss(built, examples=False)
    without = capsys.readouterr().out
    assert "acronym" in without
    assert not any(name in without for name in ("MJCV", "Zénith", "Arioso", "Bear"))
    report.kinds_of_miss(built, examples=True)
    assert "  acronym: MJCV | Maison Jeunes Culture Valcourt\n" in capsys.readouterr().out
