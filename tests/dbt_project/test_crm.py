"""People, deals and activities of the CRM, whatever objects an account has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dbt_project.crm import (
    ACTIVITIES,
    COMPANIES,
    FIELDS,
    GRANTS,
    OBJECTS,
    OLD_PEOPLE,
    PEOPLE,
    STAGES,
    TEAM,
)
from tests.dbt_project.project import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

MODELS = (
    *("run", "--select", "+deals", "+activities", "crm_mapping_report"),
    *("stg_kizen__contacts", "stg_kizen__team"),
)
TABLES = (
    *("staging.stg_kizen__contacts", "staging.stg_kizen__deals", "staging.stg_kizen__activities"),
    *("staging.stg_kizen__team", "marts.deals", "marts.activities", "marts.crm_mapping_report"),
)


def _build(project: Project, database: Path, *statements: str) -> None:
    write(database, "create schema kizen", *statements)
    run = project.run(database, *MODELS)
    assert run.exit_code == 0, run.output


def _columns(database: Path) -> list[tuple[object, ...]]:
    return [
        (table, *column[:2])
        for table in TABLES
        for column in read(database, f"select column_name, column_type from (describe {table})")
    ]


def test_an_account_with_objects(project: Project, database: Path) -> None:
    _build(
        project, database, OBJECTS, FIELDS, STAGES, GRANTS, PEOPLE, COMPANIES, TEAM, ACTIVITIES
    )  # fmt: skip
    assert read(
        database,
        "select deal_id, pipeline_name, pipeline_label, deal_name, stage_name, stage_status,"
        " stage_order, chance_to_close, is_open, amount::double, currency, owner_name, company_id,"
        " company_name, kizen_contact_id, kizen_contact_name from marts.deals order by deal_id",
    ) == [
        (
            *("d1", "grants", "Subventions", "Toit", "Déposé", "open", 0, 20.0, True),
            *(1200.5, "EUR", "Ida Sø", "elan", "Élan", None, None),
        ),
        (
            # The stage names itself, and the company is that of the person.
            *("d2", "grants", "Subventions", "Bus", "Refusé", "lost", 1, None, False),
            *(80.0, "CHF", None, "elan", "Élan", "p1", "Zoé Müller"),
        ),
        (
            # The stage has another key in records than in the list of stages.
            *("d4", "grants", "Subventions", "Ski", "Refusé", "lost", 1, None, False),
            *(7.0, "EUR", None, "elan", "Élan", None, None),
        ),
    ]
    assert read(
        database,
        "select activity_id, activity_kind, activity_type, done_at::varchar, due_at::varchar,"
        " company_name, kizen_contact_name, member_name, note from marts.activities"
        " order by activity_id",
    ) == [
        ("a1", "logged", "Appel", "2026-02-01 10:00:00+00", None, "Élan", "Zoé Müller", "Ida Sø",
            "rappeler"),
        ("a2", "scheduled", "Visite", None, "2026-03-01 10:00:00+00", "Élan", None, None, None),
        ("a3", "scheduled", None, "2026-03-03 10:00:00+00", None, None, None, None, None),
    ]  # fmt: skip
    assert read(
        database,
        "select kizen_contact_id, first_name, birth_date::varchar, company_id, company_name,"
        " other_companies ->> '$[0].id' from staging.stg_kizen__contacts",
    ) == [("p1", "Zoé", "1980-12-31", "elan", "Élan", "c2")]
    assert read(
        database,
        "select raw_column, effect from marts.crm_mapping_report"
        " where raw_table = 'grants' and meaning in ('amount', 'company_id', 'closed_at')"
        " order by meaning",
    ) == [("budget_amount", "feeds"), (None, "no column"), ("beneficiary_id", "feeds")]


def test_an_account_of_the_older_api_alone(project: Project, database: Path) -> None:
    _build(project, database, OLD_PEOPLE, COMPANIES)
    assert read(
        database,
        "select kizen_contact_id, first_name, email, company_id, company_name"
        " from staging.stg_kizen__contacts",
    ) == [("q1", "Max", "max@roy.fr", "elan", "Élan")]
    assert read(database, "select count(*) from marts.deals") == [(0,)]


def test_marts_have_the_same_columns_in_every_account(project: Project, database: Path) -> None:
    _build(
        project, database, OBJECTS, FIELDS, STAGES, GRANTS, PEOPLE, COMPANIES, TEAM, ACTIVITIES
    )  # fmt: skip
    whole = _columns(database)
    database.unlink()
    _build(project, database)
    assert _columns(database) == whole
    database.unlink()
    _build(project, database, *_twelve_pipelines())
    assert _columns(database) == whole
    assert read(
        database,
        "select pipeline_name, amount::double, currency, company_id, is_open from marts.deals"
        " order by cast(substring(pipeline_name, 3) as integer)",
    ) == [
        (f"p_{number}", number + 0.5, "EUR", None, number % 4 != 0)
        if number % 2 == 0
        else (f"p_{number}", None, None, f"c{number}", True)
        for number in range(12)
    ]


def _twelve_pipelines() -> list[str]:
    """Pipelines without stages; half have money, half a company, every fourth is closed."""
    objects = ["('c', 'companies_company', 'Companies', 'standard')"]
    fields, tables = [], []
    for number in range(12):
        objects.append(f"('o{number}', 'p_{number}', 'Pipeline {number}', 'pipeline')")
        columns = [f"'d{number}' as id"]
        if number % 2 == 0:
            fields.append(f"('o{number}', 'worth', 'money', null)")
            columns.append(f"{number}.5 as worth_amount, 'EUR' as worth_currency")
        else:
            fields.append(f"('o{number}', 'firm', 'relationship', '{{\"related_object\": \"c\"}}')")
            columns.append(f"'c{number}' as firm_id")
        if number % 4 == 0:
            columns.append("timestamptz '2026-01-01 00:00:00+00' as closed_at")
        tables.append(f"create table kizen.p_{number} as select {', '.join(columns)}")
    return [
        _table("custom_objects", objects, "id, name, object_name, object_type"),
        _table("custom_object_fields", fields, "object_id, name, field_type, relation"),
        *tables,
    ]


def _table(name: str, rows: list[str], columns: str) -> str:
    values = ", ".join(rows)
    return f"create table kizen.{name} as select * from (values {values}) as rows ({columns})"
