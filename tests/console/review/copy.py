"""A published copy without dbt: the tables and columns that the review page reads, invented rows.

python -m tests.console.review.copy PATH [CONTACTS] [QUEUE]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Every contact of an even place among the first `queue` has a look-alike: see `similar`.
TABLES = """
create schema staging; create schema intermediate; create schema marts; create schema seeds;
create table intermediate.int_links__levels (feature varchar, level varchar, weight int, wording varchar);
insert into intermediate.int_links__levels values
    ('pair', 'any', -14, null), ('name', 'exact', 18, 'the names are equal'),
    ('name', 'words', 9, 'the words of the names agree'), ('name', 'differs', -9, 'the names differ'),
    ('domain', 'shared', 3, 'the domain is shared by several companies'),
    ('city', 'same', 2, 'the city is the same'), ('city', 'differs', -3, 'the cities differ');
create table seeds.person_levels (feature varchar, level varchar, weight int, wording varchar);
insert into seeds.person_levels values
    ('pair', 'any', -30, null), ('first_name', 'equal', 12, 'the first names are equal'),
    ('last_name', 'equal', 12, 'the last names are equal');
create table staging.stg_kananas__contacts as
select
    cast(n as varchar) as contact_id, 'membre' as contact_type,
    ['Zoé', 'Max', 'Léa', 'Ida'][1 + n % 4] as first_name, 'Roy ' || n as last_name,
    cast(null as varchar) as full_name,
    case when n % 7 = 0 then null else 'Boulangerie Élan ' || (n // 2) end as organisation,
    'p' || n || '@elan' || (n // 2) || '.example' as email, '02 40 00 00 ' || lpad('' || n % 100, 2, '0') as phone,
    cast(null as varchar) as mobile, n || ' rue de la Paix' as street, '44000' as postal_code,
    ['Nantes', 'Brest', 'Lyon'][1 + n % 3] as city, 'FR' as country, cast(null as varchar) as website,
    cast(null as varchar) as vat_number, date '1980-01-01' + cast(n % 9000 as int) as birth_date
from range(1, $contacts + 1) as numbers (n);
create table staging.stg_kizen__companies as
select
    'c' || n as company_id, 'Boulangerie Élan ' || n || ' SARL' as company_name,
    'info@elan' || n || '.example' as email, cast(null as varchar) as mobile_phone,
    '+33 2 40 00 00 ' || lpad('' || n % 100, 2, '0') as business_phone, cast(null as varchar) as website,
    cast(null as varchar) as vat_number, n || ' rue de la Paix' as street, '44000' as postal_code,
    ['Nantes', 'Lyon'][1 + n % 2] as city, 'FR' as country,
    cast('[{"id": "x", "name": "elan' || n || '.example"}]' as json) as domains
from range(0, $contacts // 4 + 3) as numbers (n);
create table staging.stg_kizen__contacts as
select
    'p' || n as kizen_contact_id, ['Zoé', 'Max', 'Léa', 'Ida'][1 + n % 4] as first_name,
    'Roy ' || n as last_name, cast(null as varchar) as full_name, 'p' || n || '@elan.example' as email,
    cast(null as varchar) as mobile_phone, cast(null as varchar) as home_phone,
    cast(null as varchar) as business_phone, cast(null as varchar) as street,
    cast(null as varchar) as postal_code, 'Nantes' as city, 'FR' as country,
    date '1980-01-01' as birth_date, 'Boulangerie Élan' as company_name
from range(1, $contacts // 2 + 2) as numbers (n);
create table marts.contact_company_links as
select
    cast(n as varchar) as contact_id,
    case when n <= $queue + $auto then 'c' || ((n // 2) % ($contacts // 4 + 3)) end as company_id,
    case when n <= $queue then 'review' when n <= $queue + $auto then 'auto' else 'none' end as status,
    'name' as tier, 11 as score, cast(0.8 as decimal(4, 3)) as confidence, 4 as margin,
    'c0' as runner_up_company_id, 'the names are equal; another company agrees nearly as well' as reasons
from range(1, $contacts + 1) as numbers (n);
create table intermediate.int_contacts__match_keys as
select
    cast(n as varchar) as contact_id,
    case when n % 7 = 0 then null else n // 2 end as core_number
from range(1, $contacts + 1) as numbers (n);
create table intermediate.int_links__scored as
select
    cast(n as varchar) as contact_id, 'c' || (((n // 2) + k) % ($contacts // 4 + 3)) as company_id,
    n // 2 as contact_core, (n // 2) + k as company_core,
    case when k = 0 then 'exact' else 'words' end as name_level, 0 as name_score,
    case when k = 0 then 'shared' end as domain_level,
    case when k % 2 = 0 then 'same' else 'differs' end as city_level,
    cast(11 - 2 * k as int) as score
from range(1, $contacts + 1) as numbers (n), range(0, 5) as others (k);
create table intermediate.int_links__name_scores as
select distinct contact_core, company_core, name_level, name_score, cast(null as varchar) as letters_level
from intermediate.int_links__scored;
create table marts.link_review_queue as
select
    row_number() over (order by cast(links.contact_id as int)) as review_rank,
    row_number() over (order by cast(links.contact_id as int) desc) as teaching_rank, links.contact_id,
    contacts.first_name || ' ' || contacts.last_name as contact_name, contacts.organisation,
    contacts.email, contacts.city, links.company_id, companies.company_name,
    companies.city as company_city, links.confidence, links.score, links.reasons,
    count(*) over (partition by links.company_id, keys.core_number) as similar_contact_count
from marts.contact_company_links as links
inner join staging.stg_kananas__contacts as contacts using (contact_id)
inner join staging.stg_kizen__companies as companies using (company_id)
inner join intermediate.int_contacts__match_keys as keys on links.contact_id = keys.contact_id
where links.status = 'review';
create table marts.contacts_with_companies as
select
    contacts.contact_id, contacts.first_name, contacts.last_name, contacts.organisation,
    contacts.birth_date, companies.company_name, links.status as link_status, links.confidence,
    links.status = 'auto' as is_sure, ['a', 'b'] as tags,
    timestamptz '2026-01-01 12:00:00+00' as updated_at
from staging.stg_kananas__contacts as contacts
inner join marts.contact_company_links as links using (contact_id)
left join staging.stg_kizen__companies as companies using (company_id);
create table marts.contact_person_links as
select
    cast(n as varchar) as contact_id, case when n <= 5 then 'p' || n end as kizen_contact_id,
    case when n <= 5 then 'review' else 'none' end as status, 'name' as tier, -6 as score,
    cast(0.7 as decimal(4, 3)) as confidence, 12 as margin,
    'the first names are equal; the last names are equal' as reasons
from range(1, $contacts + 1) as numbers (n);
create table intermediate.int_persons__scored as
select
    cast(n as varchar) as contact_id, 'p' || (n + k) as kizen_contact_id,
    case when k = 0 then 'equal' end as first_name_level, 'equal' as last_name_level,
    cast(null as varchar) as email_level, cast(null as varchar) as phone_level,
    cast(null as varchar) as birth_date_level, cast(null as varchar) as address_level,
    cast(null as varchar) as employer_level,
    cast(-6 - 12 * k as int) as score, false as is_duplicate, false as is_shared
from range(1, least($contacts // 2, 1000) + 1) as numbers (n), range(0, 2) as others (k)
where n + k <= $contacts // 2;
-- Two contacts that may be one: no person of the CRM.
insert into intermediate.int_persons__scored
select '1', cast(n as varchar), 'equal', 'equal', null, null, null, null, null, 60, true, false from range(2, 40) as numbers (n);
create table marts.possible_duplicates as
select * from (values
    ('kananas_contact', '1', '5', 'Max Roy 1', 'Max Roy 5', 0.9, 'the names are equal', '5'),
    ('kizen_contact', 'p1', 'p2', 'Max Roy 1', 'Léa Roy 2', 0.8, 'the names are nearly the same', 'p1'),
    ('company', 'c1', 'c2', 'Boulangerie Élan 1 SARL', 'Boulangerie Élan 2 SARL', 0.7, 'the domain is shared by several companies', null)
) as rows (kind, left_id, right_id, left_name, right_name, confidence, reasons, fuller_id);
"""


def make(path: Path, contacts: int = 80, queue: int = 40, *more: str) -> Path:
    """Write a copy as duckdb-publish does: beside its place, then put there whole.

    Args:
        path: Of the copy.
        contacts: How many there are.
        queue: How many of them wait for a person.
        more: Statements that change it.
    """
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {"$contacts": contacts, "$queue": queue, "$auto": max(queue // 4, 3)}
    statements = TABLES
    for name, figure in figures.items():
        statements = statements.replace(name, str(figure))
    with duckdb.connect(beside) as connection:
        connection.execute(statements)
        for statement in more:
            connection.execute(statement)
    beside.replace(path)
    return path


def main(arguments: Sequence[str]) -> None:
    """Write a copy for a look at the page, or for a measurement."""
    path, *counts = arguments
    contacts, queue = map(int, counts or (80, 40))
    make(Path(path), contacts, queue)


if __name__ == "__main__":
    main(sys.argv[1:])
