"""The report says which raw column feeds which meaning, and which feeds none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.dbt_project.project import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

REPORT = ("build", "--select", "contact_mapping_report")


def test_a_french_account(project: Project, database: Path) -> None:
    write(
        database,
        "create schema kananas",
        """
        create table kananas.contacts as select * from (values
            ('1', 'Zoé', '', 'zoe@elan.fr', '{"Employeur": "Élan"}'::json, 3, null::timestamptz),
            ('2', ' ', 'Max', '', '{}'::json, 4, null),
            ('3', 'Léa', null, null, '{"Employeur": ""}'::json, 5, null),
            ('4', 'Jan', null, null, null, null, '2026-01-01')
        ) as rows ("Identifiant", "Prénom", "Prénom usuel", "Courriel", champs_libres, "l'âge",
            _sdc_deleted_at)
        """,
    )
    run = project.run(database, *REPORT)
    assert run.exit_code == 0, run.output
    rows = read(
        database,
        """
        select meaning, raw_column, effect, contact_count, filled_count
        from marts.contact_mapping_report
        where raw_column is not null order by meaning, candidate, raw_column
        """,
    )
    assert rows == [
        ("contact_id", "Identifiant", "feeds", 3, 3),
        ("email", "Courriel", "feeds", 3, 1),
        ("first_name", "Prénom", "feeds", 3, 2),
        ("first_name", "Prénom usuel", "feeds where those before are empty", 3, 1),
        ("free_fields", "champs_libres", "feeds", 3, 2),
        (None, "l'âge", "feeds nothing", 3, 3),
    ]
    missing = read(
        database,
        "select meaning, filled_count, fill_rate from marts.contact_mapping_report "
        "where effect = 'no column'",
    )
    assert ("last_name", 0, 0.0) in missing
    assert ("email", 0, 0.0) not in missing


def test_a_path_into_a_free_field(project: Project, database: Path) -> None:
    write(
        database,
        "create schema kananas",
        """
        create table kananas.contacts as select * from (values
            (1, '{"Employeur": "Élan"}'::json), (2, '{"Employeur": " "}'::json), (3, null)
        ) as rows (id, free_fields)
        """,
    )
    run = project.run(database, *REPORT)
    assert run.exit_code == 0, run.output
    rows = read(
        database,
        "select raw_column, json_path, raw_type, filled_count, round(fill_rate, 2) "
        "from marts.contact_mapping_report where json_path = 'Employeur'",
    )
    assert rows == [("free_fields", "Employeur", "JSON", 1, 0.33)]


def test_names_of_columns_are_names_and_nothing_else(project: Project, database: Path) -> None:
    odd = [
        'q"x',
        '"), (select 1 as id) as other --',
        "it's",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "{# c",
        "line\nbreak",
        "select",
        "back\\slash",
        "%s",
        "$1",
        "--",
        " ",
        "---",
        "Élan",
        "élan",
        # Names that the SQL of the project has itself.
        "_sdc_json_0",
        "_sdc_status",
        "json_0",
        "json_1",
        "said_1",
        "said_2",
        "filled_count_1",
        "contact_count",
        "source",
        "counts",
        "looked_into",
        "contact",
        "renamed",
        "meaning",
        "raw_column",
    ]
    columns = ", ".join(
        f"""'Jane {place}' as "{name.replace('"', '""')}\"""" for place, name in enumerate(odd)
    )
    write(
        database,
        "create schema kananas",
        # By its letters, the first one is the e-mail address.
        f"""create table kananas.contacts as select 1 as id, 'x@y.fr' as "e""ma'il", {columns},
            '{{"Employeur": "Nord"}}'::json as free_fields, now() as _sdc_extracted_at""",
    )
    run = project.run(database, "run", *REPORT[1:], "stg_kananas__contacts")
    assert run.exit_code == 0, run.output
    rows = read(
        database,
        "select raw_column, filled_count from marts.contact_mapping_report where meaning is null",
    )
    assert sorted(rows) == sorted((name, 1) for name in odd)
    staged = "select contact_id, email, organisation from staging.stg_kananas__contacts"
    assert read(database, staged) == [("1", "x@y.fr", "Nord")]
    report = "select filled_count from marts.contact_mapping_report where json_path = 'Employeur'"
    assert read(database, report) == [(1,)]


def test_an_account_that_was_never_loaded(project: Project, database: Path) -> None:
    run = project.run(database, *REPORT)
    assert run.exit_code == 0, run.output
    assert read(
        database,
        "select distinct effect, contact_count, fill_rate from marts.contact_mapping_report",
    ) == [("no column", 0, None)]


def test_places_in_one_json_column_are_told_apart(project: Project, database: Path) -> None:
    write(
        database,
        "create schema kananas",
        """
        create table kananas.contacts as select * from (values
            (1, '{"Société": " ", "structure": " Nord ", "TVA": "BE1"}'::json),
            (2, '{"organisation": null, "Société": ["Sud"]}'::json),
            (3, '{"organisation": "Est", "structure": "Ouest"}'::json),
            (4, '{"size": "L"}'::json), (5, '"Est"'::json), (6, null)
        ) as rows (id, free_fields)
        """,
    )
    run = project.run(
        database, "run", "--select", "stg_kananas__contacts", "contact_mapping_report"
    )
    assert run.exit_code == 0, run.output
    assert read(
        database,
        "select contact_id, organisation, vat_number from staging.stg_kananas__contacts order by 1",
    ) == [
        ("1", "Nord", "BE1"),
        ("2", '["Sud"]', None),
        ("3", "Est", None),
        ("4", None, None),
        ("5", None, None),
        ("6", None, None),
    ]
    assert read(
        database,
        "select json_path, filled_count from marts.contact_mapping_report "
        "where json_path is not null and filled_count > 0 order by meaning, candidate",
    ) == [("organisation", 1), ("Société", 1), ("structure", 2), ("TVA", 1)]


def test_keys_with_a_star_or_a_quote(project: Project, database: Path) -> None:
    write(
        database,
        "create schema kananas",
        """
        create table kananas.contacts as
        select 1 as id, json_object('Nom*', 'Est', 'l''autre', 'Ouest') as champs
        """,
    )
    columns = {
        "organisation": ["champs.Nom*", "champs.l'autre"],
        "website": ["champs.rien", "champs.l'autre"],
    }
    run = project.run(database, *REPORT, "--vars", json.dumps({"contact_columns": columns}))
    assert run.exit_code == 0, run.output
    assert read(
        database,
        "select meaning, json_path, filled_count from marts.contact_mapping_report "
        "where json_path is not null order by meaning, candidate",
    ) == [
        ("organisation", "Nom*", 1),
        ("organisation", "l'autre", 1),
        ("website", "rien", 0),
        ("website", "l'autre", 1),
    ]
