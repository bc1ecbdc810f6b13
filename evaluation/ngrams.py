"""Links by the letter n-grams of names alone: the cosine of their tf-idf, in DuckDB.

The n-grams are of 2 to 4 letters, of names in lower-case ASCII with a space on either side. A
contact is compared with companies of its country, and with those that name none.

A common n-gram is in thousands of names, so only the rarest of a contact's n-grams find companies:
as many as have `POSTINGS` companies together. The cosine of what they find is over all n-grams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.processes import progress

if TYPE_CHECKING:
    import duckdb

# The mean F1 over four registers of real names was highest here. No set is to move it.
THRESHOLD = 0.54
POSTINGS = 1_000
NEAREST = 10
BATCH = 2_000

NAMES = """
create temp table ngram_names as
with written as (
    select 'contact' as side, contact_id as id, organisation_name as name, country
    from intermediate.int_contacts__match_keys
    union all
    select 'company', company_id, company_name, country
    from intermediate.int_companies__match_keys
),
plain as (
    select side, id, country, strip_accents(translate(lower(name), 'øłđıþ', 'oldit')) as name
    from written
),
lettered as (
    select
        side, id, country,
        replace(replace(replace(name, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe') as name
    from plain
),
folded as (
    select side, id, country, trim(regexp_replace(name, '[^a-z0-9]+', ' ', 'g')) as name
    from lettered
)
select side, id, country, name, dense_rank() over (order by side, name, country) as number
from folded
where name <> ''
"""

COUNTS = """
create temp table ngram_counts as
with texts as (
    select distinct side, number, ' ' || name || ' ' as text from ngram_names
),
sizes as (select unnest([2, 3, 4]) as size),
grams as (
    select
        side, number,
        substr(text, unnest(generate_series(1, length(text) - size + 1))::bigint, size) as gram
    from texts, sizes
    where length(text) >= size
)
select side, number, gram, count(*) as occurrences from grams group by all
"""

GRAMS = """
create temp table ngram_grams as
select
    gram,
    row_number() over (order by gram)::integer as gram_number,
    ln((1 + (select count(distinct number) from ngram_counts)) / (1 + count(*))) + 1 as rarity,
    count(*) filter (side = 'company') as companies
from ngram_counts
group by gram
"""

WEIGHTS = """
create temp table ngram_weights as
with weighted as (
    select side, number, gram_number, companies, occurrences * rarity as weight
    from ngram_counts inner join ngram_grams using (gram)
)
select
    side, number, gram_number, companies,
    (weight / sqrt(sum(weight * weight) over (partition by number)))::float as weight
from weighted
"""

BATCHES = """
create temp table ngram_batches as
select number, (row_number() over (order by number) - 1) // ? as batch
from (select distinct number from ngram_names where side = 'contact')
"""

BEST = "create temp table ngram_best (number bigint, company_id varchar, cosine double)"

FIND = """
insert into ngram_best
with ours as (
    select number, gram_number, weight, companies
    from ngram_weights inner join ngram_batches using (number)
    where batch = ?
),
rare as (
    select number, gram_number, weight
    from ours
    where companies > 0
    qualify sum(companies) over (
        partition by number order by companies, gram_number rows unbounded preceding
    ) <= ?
),
places as (select distinct number, country from ngram_names),
found as (
    -- Rounded, as the order of a sum may change its last digits.
    select
        rare.number, theirs.number as company_number,
        round(sum(rare.weight * theirs.weight), 6) as part
    from rare
    inner join ngram_weights as theirs using (gram_number)
    where theirs.side = 'company'
    group by all
),
near as (
    select found.number, found.company_number
    from found
    inner join places as here on found.number = here.number
    inner join places as there on found.company_number = there.number
    where coalesce(here.country = there.country, true)
    qualify row_number() over (
        partition by found.number order by found.part desc, found.company_number
    ) <= ?
),
compared as (
    select
        near.number, near.company_number, round(sum(ours.weight * theirs.weight), 6) as cosine
    from near
    inner join ours using (number)
    inner join ngram_weights as theirs
        on near.company_number = theirs.number and ours.gram_number = theirs.gram_number
    group by all
)
select compared.number, min(companies.id) as company_id, any_value(cosine) as cosine
from compared
inner join ngram_names as companies on compared.company_number = companies.number
group by compared.number, compared.company_number
qualify row_number() over (
    partition by compared.number order by any_value(cosine) desc, min(companies.id)
) = 1
"""

LINKS = """
select contacts.id as contact_id, best.company_id, best.cosine
from ngram_best as best inner join ngram_names as contacts using (number)
"""

# The threshold of the best F1: of all thresholds, each of which leaves the links at or above it.
BEST_THRESHOLD = f"""
select threshold
from (
    select
        links.cosine as threshold,
        sum(count(*)) over higher as links,
        sum(count(truth.contact_id)) over higher as right_links
    from ({LINKS}) as links
    left join truth using (contact_id, company_id)
    group by links.cosine
    window higher as (order by links.cosine desc)
)
order by right_links / (links + (select count(*) from truth)) desc, threshold desc
limit 1
"""


def link(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Link the contacts of a built DuckDB file whose truth is the table `truth`.

    Returns:
        By the name of the way a query of its links: at a fixed threshold, and at the best one,
        which is chosen by the truth that the links are scored on.
    """
    for query in (NAMES, COUNTS, GRAMS, WEIGHTS):
        connection.execute(query)
    connection.execute(BATCHES, [BATCH])
    connection.execute(BEST)
    batches, names = _numbers(connection, "select max(batch) + 1, count(*) from ngram_batches")
    for batch in range(batches):
        connection.execute(FIND, [batch, POSTINGS, NEAREST])
        progress(f"n-grams: {min((batch + 1) * BATCH, names):,} of {names:,} names")
    (best,) = connection.execute(BEST_THRESHOLD).fetchone() or (THRESHOLD,)
    return {
        f"letter n-grams of names, from {THRESHOLD:.2f}": _above(THRESHOLD),
        f"letter n-grams of names, from {best:.2f}, given the truth": _above(best),
    }


def _above(threshold: float) -> str:
    return f"select contact_id, company_id from ({LINKS}) where cosine >= {threshold!r}"


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    first, second = connection.execute(query).fetchone() or (0, 0)
    return int(first or 0), int(second)
