"""Companies of either generation of Kizen's API come out in the same columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.dbt_project.project import VARIABLES, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

MODELS = ("run", "--select", "+contacts", "int_companies__domains")
LEGACY = """
create table kizen.companies as select
    'c' as id, 'Legacy' as name, 'a@legacy.fr' as email,
    '[{"street_address": "1 rue A", "city": "Lyon"}]'::json as addresses,
    '[{"id": "d", "name": "legacy.fr"}]'::json as domains,
    timestamptz '2026-01-01 00:00:00+00' as created,
    null::timestamptz as _sdc_deleted_at
"""
RECORDS = """
create table kizen.companies_company as select
    'c' as id, 'Record' as name, 'a@record.fr' as email, '1 rue B' as street_address,
    'Nice' as city, 'https://record.fr/"x"' as website,
    timestamptz '2026-02-01 00:00:00+00' as created,
    null::timestamptz as _sdc_deleted_at
"""
# Ids as numbers that were written with decimals, addresses in a list, columns in French.
FRENCH = """
create table kizen.companies as select
    12::decimal(5, 2) as company_id, 'Française' as nom, '1 rue C' as adresse, 'Pau' as ville,
    ['a@francaise.fr', 'b@gmail.com'] as courriel
"""
FRENCH_ROW = ("12", "Française", "1 rue C", "Pau", "francaise.fr")
LEGACY_ROW = ("c", "Legacy", "1 rue A", "Lyon", "legacy.fr")
RECORD_ROW = ("c", "Record", "1 rue B", "Nice", "record.fr")


@pytest.mark.parametrize(
    ("tables", "variables", "expected"),
    [
        ([LEGACY], {}, LEGACY_ROW),
        ([RECORDS], {}, RECORD_ROW),
        ([FRENCH], {}, FRENCH_ROW),
        ([LEGACY, RECORDS], {}, LEGACY_ROW),
        # The records are named by `kizen_companies_from`.
        ([LEGACY, RECORDS], VARIABLES, RECORD_ROW),
        (
            [LEGACY, "update kizen.companies set _sdc_deleted_at = now()", RECORDS],
            {},
            RECORD_ROW,
        ),
    ],
)
def test_either_shape(
    project: Project,
    seeded: Path,
    tables: list[str],
    variables: dict[str, object],
    expected: tuple[str, ...],
) -> None:
    contact = (
        "create table kananas.contacts as "
        f"select 1 as id, '{expected[1]}' as organisation, 'x@{expected[4]}' as email"
    )
    write(seeded, "create schema kananas", "create schema kizen", contact, *tables)
    given = ("--vars", json.dumps(variables)) if variables else ()
    run = project.run(seeded, *MODELS, *given)
    assert run.exit_code == 0, run.output
    assert read(
        seeded, "select company_id, company_name, street, city from staging.stg_kizen__companies"
    ) == [expected[:4]]
    # The domain is found in either shape.
    assert read(seeded, "select domain from intermediate.int_companies__domains") == [
        (expected[4],)
    ]
    assert read(seeded, "select company_id from marts.contacts") == [expected[:1]]
    columns = read(
        seeded,
        "select column_name, data_type from duckdb_columns() "
        "where table_name = 'stg_kizen__companies' order by column_index",
    )
    assert [name for name, _ in columns][:3] == ["company_id", "company_name", "email"]
    assert dict(columns)["domains"] == "JSON"
