"""What is explained can be read on any terminal, whoever wrote the names."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from pathlib import Path

# As little of what dbt builds as an explanation needs, with names that would clear a screen.
BUILT = """
create schema marts; create schema intermediate; create schema seeds;
create table marts.contact_company_links as select
    '1' as contact_id, 'c' as company_id, 'auto' as status, 'name' as tier, 29 as score,
    4 as margin, 0.98 as confidence, 'the names are equal' as reasons;
create table intermediate.int_contacts__match_keys as select
    1 as contact_number, '1' as contact_id,
    'Zoé' || chr(27) || '[2J' || chr(10) || 'Link: none' as organisation_name;
create table intermediate.int_companies__match_keys as select
    1 as company_number, 'c' as company_id, chr(27) || ']0;Élan' || chr(7) as company_name;
create table intermediate.int_links__scored as select
    '1' as contact_id, 1 as company_number, 'c' as company_id, 1 as contact_core, 2 as company_core,
    'exact' as name_level, 30 as name_score, 29 as score, 'same' as city_level,
    null as name_city_level, null as name_standing_level, null as form_level,
    null as vat_level, null as domain_level, null as domain_standing_level,
    null as phone_level, null as address_level, null as country_level, null as person_level,
    null as office_level;
create table intermediate.int_links__name_scores as select
    1 as contact_core, 2 as company_core, 'exact' as name_level, 30 as name_score,
    'from_97' as letters_level, null as team_level, null as contact_words_level,
    null as company_words_level, null as contact_missing_level, null as company_missing_level,
    null as rarest_word_level, null as shared_rarity_level, null as contact_rival_level,
    null as company_rival_level, null as first_word_level;
create table intermediate.int_links__levels as from (values
    ('pair', 'any', -12, null), ('name', 'exact', 30, 'the names are equal'),
    ('letters', 'from_97', 6, null), ('city', 'same', 5, 'the city is the same'),
    ('city', 'near', 1, 'the cities are close')
) as levels (feature, level, weight, wording);
create schema staging;
create table staging.stg_kizen__contacts as select
    'p' as kizen_contact_id, null::varchar as full_name, 'Zoé' as first_name,
    chr(27) || '[2J' as last_name;
create table marts.contact_person_links as select
    '1' as contact_id, 'p' as kizen_contact_id, 'review' as status, 'name' as tier, 1 as score,
    null as margin, 0.65 as confidence, chr(27) || 'the first names are equal' as reasons;
create table intermediate.int_persons__scored as from (values
    ('1', 'p', false, 1, 'equal'), ('1', '2', true, 60, 'equal')
) as pairs (contact_id, kizen_contact_id, is_duplicate, score, first_name_level);
create table seeds.person_levels as from (values
    ('pair', 'any', -3, null), ('first_name', 'equal', 4, 'the first names are equal')
) as levels (feature, level, weight, wording);
create table intermediate.int_person_overrides__checked as select
    '1' as contact_id, 'q' as kizen_contact_id, 'forbid' as decision, 'Ida' as author,
    null as reason, timestamp '2026-01-02' as decided_at, 'superseded' as effect;
"""
for _feature in (
    "last_name", "first_rarity", "last_rarity", "namesakes", "email", "phone", "birth_date",
    "address", "employer",
):  # fmt: skip
    BUILT += f"alter table intermediate.int_persons__scored add column {_feature}_level varchar;\n"
BUILT += """
create table intermediate.int_link_overrides__checked as select
    '1' as contact_id, 'c' as company_id, 'force' as decision, 'Ida' as author,
    chr(27) || '[31m' as reason, timestamp '2026-01-01' as decided_at, 'in force' as effect;
"""


@pytest.mark.parametrize(
    ("encoding", "zoe", "line"),
    [("utf-8", "Zoé", "───────"), ("latin-1", "Zoé", "???????"), ("ascii", "Zo?", "???????")],
)
def test_any_terminal_shows_it_and_obeys_no_name(
    tmp_path: Path, encoding: str, zoe: str, line: str
) -> None:
    path = tmp_path / "built.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(BUILT)
    done = subprocess.run(
        [sys.executable, "-m", "evaluation.explain", "--db", str(path), "--", "1"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode(encoding)
    assert told.startswith(rf"Contact 1: {zoe}\x1b[2J\nLink: none")
    assert f"  {line}  " in told
    steps = [line.split() for line in told.splitlines() if "+" in line or "-12" in line]
    assert [step[:4] for step in steps] == [
        ["-12", "-12", "what", "any"],
        ["name", "exact", "+30", "18"],
        ["letters", "from_97", "+6", "24"],
        ["city", "same", "+5", "29"],
        ["first_name", "equal", "+4", "1"],
    ]
    assert r"The person: " + zoe + r" \x1b[2J (p)" in told
    assert "In the CRM: review: p, tier name, score 1, confidence 0.65" in told
    assert "Override: forbid q, by Ida" in told
    assert [text for text in told.splitlines() if not text.isprintable()] == []


def test_who_has_seen_enough_may_stop_reading(tmp_path: Path) -> None:
    path = tmp_path / "built.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(BUILT)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evaluation.explain", "--db", str(path), "--", "1"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
