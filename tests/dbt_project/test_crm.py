"""People, deals and activities of the CRM, whatever objects an account has."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
OBJECTS = """
create table kizen.custom_objects as select * from (values
    ('o1', 'companies_company', 'Companies', 'standard'),
    ('o2', 'client_client', 'Contacts', 'standard'),
    ('o3', 'grants', 'Subventions', 'pipeline'),
    ('o4', 'never_loaded', 'Never loaded', 'pipeline')
) as rows (id, name, object_name, object_type)
"""
FIELDS = """
create table kizen.custom_object_fields as select * from (values
    ('f1', 'o3', 'budget', 'money', null::json),
    ('f2', 'o3', 'beneficiary', 'relationship', '{"related_object": "o1"}'::json),
    ('f3', 'o3', 'referee', 'relationship', '{"related_object": "o2"}'::json)
) as rows (id, object_id, name, field_type, relation)
"""
STAGES = """
create table kizen.pipeline_stages as select * from (values
    ('s1', 'o3', 'Déposé',
        '{"status": "open", "order": 0, "percentage_chance_to_close": 20}'),
    ('s2', 'o3', 'Refusé', '{"status": "lost", "order": 1}')
) as rows (id, object_id, name, additional_fields)
"""
GRANTS = """
create table kizen.grants as select * from (values
    ('d1', 'Toit', 's1', 'Déposé', 1200.5::double, 'EUR', 'c1', null, 'm1', null::timestamptz),
    ('d2', 'Bus', 's2', null, 80::double, 'CHF', null, 'p1', null, null),
    ('d3', 'Gone', 's1', 'Déposé', 5::double, 'EUR', 'c1', null, null, '2026-01-01')
) as rows (id, name, stage_id, stage_name, budget_amount, budget_currency, beneficiary_id,
    referee_id, owner_id, _sdc_deleted_at)
"""
PEOPLE = """
create table kizen.client_client as select
    'p1' as id, 'Zoé' as first_name, 'Müller' as last_name, 'zoe@elan.fr' as email,
    '06 11 22 33 44' as mobile_phone, date '1980-12-31' as birthday, 'c1' as company_primary_id,
    'Élan' as company_primary_name, '[{"id": "c2", "name": "Nord"}]'::json as company_additional
"""
OLD_PEOPLE = """
create table kizen.clients as select
    'q1' as id, 'Max' as first_name, 'Roy' as last_name, 'max@roy.fr' as email,
    '{"company": {"id": "c1", "name": "Élan"}}'::json as additional_fields
"""
COMPANIES = "create table kizen.companies as select 'c1' as id, 'Élan' as name"
TEAM = "create table kizen.team as select 'm1' as id, 'Ida' as first_name, 'Sø' as last_name"
ACTIVITIES = """
create table kizen.activity_types as select 't1' as id, 'Appel' as name;
create table kizen.logged_activities as select
    'a1' as id, 't1' as activity_type_id, timestamptz '2026-02-01 10:00:00+00' as logged_at,
    '{"client": {"id": "p1"}, "logged_by": {"id": "m1"}, "note": "rappeler"}'::json
        as additional_fields;
create table kizen.scheduled_activities as select * from (values
    ('a2', timestamptz '2026-03-01 10:00:00+00', null,
        '{"activity": {"id": "t9", "name": "Visite"}, "company": {"id": "c1"}}'::json),
    ('a3', '2026-03-02 10:00:00+00', timestamptz '2026-03-03 10:00:00+00', null)
) as rows (id, due_datetime, completed_at, additional_fields)
"""


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
            *(1200.5, "EUR", "Ida Sø", "c1", "Élan", None, None),
        ),
        (
            # The stage names itself, and the company is that of the person.
            *("d2", "grants", "Subventions", "Bus", "Refusé", "lost", 1, None, False),
            *(80.0, "CHF", None, "c1", "Élan", "p1", "Zoé Müller"),
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
    ) == [("p1", "Zoé", "1980-12-31", "c1", "Élan", "c2")]
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
    ) == [("q1", "Max", "max@roy.fr", "c1", "Élan")]
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
