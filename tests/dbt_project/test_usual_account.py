"""An account with the usual columns: every rule of linking, and what dbt leaves behind."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt_project import crm
from tests.dbt_project.project import ROOT, WITH_ARTIFACTS, read, untranslated, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project, Run

CONTACTS = """
create table kananas.contacts (
    id bigint, type varchar, first_name varchar, last_name varchar, organisation varchar,
    email varchar, website varchar, balance double, birth_date varchar, tags json,
    free_fields json, created_at timestamptz, _sdc_received_at timestamptz,
    _sdc_deleted_at timestamptz
);
insert into kananas.contacts by name
select *, now() as _sdc_received_at from (values
    (1, 'Zoé', 'Müller', 'BOULANGERIE ELAN', 'zoe@mail.elan.fr'),
    (2, 'Jan', 'Öberg', 'Boulangerie Élan', 'jan@gmail.com'),
    (3, 'Ida', 'Sø', null, 'ida@bois.example'),
    (4, 'Léa', 'Roy', 'Amicale laïque', 'lea@orange.fr'),
    (5, 'Max', 'Roy', null, 'max@group.example'),
    (6, 'Eva', 'Roy', null, 'eva@gmail.com'),
    (7, 'Tom', 'Roy', 'North SA', 'tom@group.example')
) as rows (id, first_name, last_name, organisation, email);
insert into kananas.contacts by name
select 8 as id, 'Bois SARL' as organisation, now() as _sdc_deleted_at;
update kananas.contacts set free_fields = '{"size": "L"}', tags = '["board"]', balance = 12.5,
    birth_date = '1980-05-01', created_at = '2026-03-31 16:23:53-05'
where id = 1;
"""
COMPANIES = """
create table kizen.companies (
    id varchar, name varchar, email varchar, mobile_phone varchar, business_phone varchar,
    addresses json, tags json, domains json, custom_fields json, created timestamptz,
    _sdc_received_at timestamptz, _sdc_deleted_at timestamptz
);
insert into kizen.companies by name
select *, now() as _sdc_received_at from (values
    ('elan', 'Boulangerie Élan SARL', 'info@elan.fr', null),
    ('bois', 'Bois & Fils', null, '[{"id": "1", "name": "www.bois.example"}]'),
    ('amicale 1', 'Amicale laïque', 'a@gmail.com', null),
    ('amicale 2', 'AMICALE LAIQUE', null, null),
    ('north', 'North', null, '[{"id": "2", "name": "group.example"}]'),
    ('south', 'South', null, '[{"id": "2", "name": "group.example"}]')
) as rows (id, name, email, domains);
update kizen.companies set addresses = '[{"street_address": "1 rue X", "city": "Lyon"}]'
where id = 'elan';
insert into kizen.companies by name
select 'gone' as id, 'Bois' as name, now() as _sdc_deleted_at;
"""
WEBHOOKS = """
create table kananas.webhook_events as select
    1::bigint as sequence, now() as received_at, ' {"type": "contact", "id": 7}' as body,
    '{"type": "contact", "id": 7}'::json as payload, null::timestamptz as _sdc_deleted_at
"""
CRM = (
    crm.OBJECTS,
    crm.FIELDS,
    crm.STAGES,
    crm.GRANTS,
    crm.PEOPLE,
    crm.TEAM,
    crm.ACTIVITIES,
)
QUESTIONS = re.findall(
    "^## (.*?)\n\n```sql\n(.*?)```",
    (ROOT / "docs" / "questions.md").read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)
STAGED_WEBHOOKS = """
select payload_type, payload_id, payload_keys, is_repeated, content_type, body
from staging.stg_kananas__webhook_events
"""
LINKS = """
select contact_id, company_id, status, tier from marts.contact_company_links order by contact_id
"""


@dataclass(frozen=True)
class Account:
    """What the commands printed, the links of two builds, a copy of the built file, webhooks."""

    build: Run
    freshness: Run
    links: list[tuple[Any, ...]]
    links_again: list[tuple[Any, ...]]
    database: Path
    webhooks: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def account(
    project: Project, database_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Account:
    database_path.unlink(missing_ok=True)
    write(database_path, "create schema kananas", "create schema kizen", CONTACTS, COMPANIES)
    write(database_path, WEBHOOKS, *CRM)
    build = project.run(database_path, "build", **WITH_ARTIFACTS)
    assert build.exit_code == 0, build.output
    webhooks = read(database_path, STAGED_WEBHOOKS)
    # Views name the file that they were made in.
    kept = tmp_path_factory.mktemp("built") / database_path.name
    shutil.copyfile(database_path, kept)

    freshness = project.run(database_path, "source", "freshness")
    links = read(database_path, LINKS)
    write(
        database_path,
        "create or replace table kananas.contacts as from kananas.contacts order by id desc",
        "create or replace table kizen.companies as from kizen.companies order by id desc",
    )
    again = project.run(database_path, "run", "--select", "+contact_company_links")
    assert again.exit_code == 0, again.output
    return Account(build, freshness, links, read(database_path, LINKS), kept, webhooks)


@pytest.fixture(scope="module")
def built(account: Account) -> Path:
    return account.database


def test_everything_passes_without_a_warning(account: Account) -> None:
    assert " WARN=0 ERROR=0 SKIP=0 " in account.build.output


def test_each_contact_goes_to_the_company_that_fits_best(account: Account) -> None:
    assert account.links == [
        ("1", "elan", "auto", "name and domain"),
        ("2", "elan", "auto", "name"),
        # The domain alone may be an adviser's: a person should look.
        ("3", "bois", "review", "domain"),
        # Of two equal companies the smaller id is proposed.
        ("4", "amicale 1", "review", "name"),
        # A domain that several companies share says too little.
        ("5", None, "none", None),
        ("6", None, "none", None),
        ("7", "north", "auto", "name and domain"),
    ]


def test_reasons_can_be_told_in_french(built: Path) -> None:
    tables = ("contact_company_links", "contact_person_links", "possible_duplicates")
    for table in tables:
        reasons = read(built, f"select distinct reasons from marts.{table}")
        assert untranslated(reason for (reason,) in reasons) == set(), table


def test_deleted_rows_are_left_out(built: Path) -> None:
    assert read(built, "select count(*) from marts.contacts where contact_id = '8'") == [(0,)]
    assert read(built, "select count(*) from marts.companies where company_id = 'gone'") == [(0,)]


def test_a_contact_carries_its_company_and_its_own_values(built: Path) -> None:
    assert read(
        built,
        """
        select first_name, company_name, link_status, link_tier, contact_kind, balance,
            cast(birth_date as varchar), tags ->> '$[0]', free_fields ->> '$.size',
            cast(created_at as varchar), phone
        from marts.contacts where contact_id = '1'
        """,
    ) == [
        (
            *(
                "Zoé",
                "Boulangerie Élan SARL",
                "auto",
                "name and domain",
                "member of an organisation",
            ),
            *(12.5, "1980-05-01", "board", "L", "2026-03-31 21:23:53+00", None),
        )
    ]


def test_a_company_carries_its_first_address_and_the_number_of_its_contacts(built: Path) -> None:
    query = (
        "select company_id, street, city, contact_count from marts.companies order by company_id"
    )
    assert read(built, query) == [
        ("amicale 1", None, None, 0),
        ("amicale 2", None, None, 0),
        ("bois", None, None, 0),
        ("elan", "1 rue X", "Lyon", 2),
        ("north", None, None, 1),
        ("south", None, None, 0),
    ]


def test_schemas_carry_no_prefix_and_nothing_else_is_made(built: Path) -> None:
    query = """
    select distinct schema_name from (
        select schema_name from duckdb_tables() union select schema_name from duckdb_views()
        where not internal
    ) order by all
    """
    assert [schema for (schema,) in read(built, query)] == [
        *("history", "intermediate", "kananas", "kizen", "marts", "seeds", "staging")
    ]


def test_marts_are_described_in_the_database(built: Path) -> None:
    query = """
    select count(*) from duckdb_columns()
    where schema_name = 'marts' and coalesce(comment, '') = ''
    """
    assert read(built, query) == [(0,)]


def test_dbt_writes_beside_the_project_only(built: Path, project: Project) -> None:
    assert built.exists()
    left = {path.name for path in (project.checkout / "dbt_project").iterdir()}
    assert {"target", "logs"} <= left
    assert {path.name for path in project.checkout.iterdir()} == {"dbt_project"}


def test_the_sources_are_fresh(account: Account) -> None:
    assert account.freshness.exit_code == 0, account.freshness.output
    assert account.freshness.output.count(" PASS freshness of ") == 2


def test_twice_the_same_input_gives_the_same_links(account: Account) -> None:
    assert account.links_again == account.links


def test_webhooks_are_staged_where_there_are_some(account: Account) -> None:
    body = ' {"type": "contact", "id": 7}'
    assert account.webhooks == [("contact", "7", '["type","id"]', False, None, body)]


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


@pytest.mark.parametrize(
    "query", [query for _, query in QUESTIONS], ids=[name for name, _ in QUESTIONS]
)
def test_each_question_has_an_answer(built: Path, query: str) -> None:
    assert read(built, query)


def test_deals_and_talks_of_members_companies(built: Path) -> None:
    (query,) = (query for name, query in QUESTIONS if "who spoke to them last" in name)
    rows = [
        (contact, company, deals, amounts)
        for contact, _, _, company, deals, amounts, *_ in read(built, query)
    ]
    assert rows == [(key, "Boulangerie Élan SARL", 1, '{"EUR":1200.50}') for key in ("1", "2")]
    assert {str(row[-2]) for row in read(built, query)} == {"Ida Sø"}
