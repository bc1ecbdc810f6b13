"""Links made by Splink, from the same normalised columns as ours: `make evaluate` runs it.

Two models: one that learns from the data alone (expectation maximisation, links from a probability
of one half), one that is given the truth (m probabilities and the threshold of the best F1, both
from the very links it is scored on, so rather more than it could have in practice).

Usage: python link.py KIND FOLDER. KIND is `companies` or `persons`: what the contacts are linked
with. FOLDER holds contacts.parquet, others.parquet and truth.parquet (contact_id, other_id);
writes plain.csv and labelled.csv (contact_id, other_id).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# As many are compared to learn from.
PAIRS = 1_000_000

# The best of the others for each contact, where there is only one such.
BEST = """
select contact_id, other_id, match_probability as probability
from (
    select
        *,
        count(*) over (partition by contact_id, match_probability) as equals,
        max(match_probability) over (partition by contact_id) as highest
    from predictions
)
where match_probability = highest and equals = 1
"""

THRESHOLD = """
select threshold
from (
    select
        best.probability as threshold,
        sum(count(*)) over higher as links,
        sum(count(truth.contact_id)) over higher as right_links
    from best
    left join truth using (contact_id, other_id)
    group by best.probability
    window higher as (order by best.probability desc)
)
order by right_links / (links + (select count(*) from truth)) desc, threshold desc
limit 1
"""


Columns = tuple[str, ...]
"""Two records that are equal in all of them are a pair; of a list, one value is enough."""

LISTS = {"domains", "phones"}


class Kind(NamedTuple):
    """What is compared, which pairs are looked at, which are surely right, which are learned from.

    `recall` is what share of the right pairs the sure ones are, roughly.
    """

    comparisons: Mapping[str, Any]
    blocking: Sequence[Columns]
    sure: Sequence[Columns]
    recall: float
    learning: Sequence[Columns]


COMPANIES = Kind(
    comparisons={
        "core_name": cl.JaroWinklerAtThresholds("core_name", [0.97, 0.92, 0.85, 0.7]).configure(
            term_frequency_adjustments=True
        ),
        "words": cl.ArrayIntersectAtSizes("words", [3, 2, 1]),
        "domains": cl.ArrayIntersectAtSizes("domains", [1]),
        "phones": cl.ArrayIntersectAtSizes("phones", [1]),
        "vat_number": cl.ExactMatch("vat_number"),
        "address": cl.ExactMatch("address"),
        "postal_code": cl.ExactMatch("postal_code"),
        "city": cl.LevenshteinAtThresholds("city", [2]),
        "country": cl.ExactMatch("country"),
    },
    blocking=[
        ("core_name",),
        ("domains",),
        ("phones",),
        ("vat_number",),
        ("beginning", "city"),
        ("first_word", "country"),
        ("second_word", "country"),
        ("address", "country"),
    ],
    sure=[("core_name", "country"), ("domains",)],
    recall=0.8,
    learning=[("core_name",), ("first_word", "country")],
)

PERSONS = Kind(
    comparisons={
        "first_name": cl.JaroWinklerAtThresholds("first_name", [0.97, 0.92, 0.85]).configure(
            term_frequency_adjustments=True
        ),
        "last_name": cl.JaroWinklerAtThresholds("last_name", [0.97, 0.92, 0.85]).configure(
            term_frequency_adjustments=True
        ),
        "birth_date": cl.DateOfBirthComparison("birth_date", input_is_string=False),
        "email": cl.EmailComparison("email"),
        "phones": cl.ArrayIntersectAtSizes("phones", [1]),
        "address": cl.ExactMatch("address"),
        "postal_code": cl.ExactMatch("postal_code"),
        "city": cl.LevenshteinAtThresholds("city", [2]),
    },
    blocking=[
        ("email",),
        ("phones",),
        ("first_name", "last_name"),
        ("birth_date",),
        ("last_name", "city"),
        ("last_name", "postal_code"),
        ("first_name", "address"),
    ],
    sure=[("first_name", "last_name", "birth_date"), ("first_name", "email")],
    recall=0.8,
    learning=[("first_name", "last_name"), ("email",), ("birth_date",)],
)

KINDS = {"companies": COMPANIES, "persons": PERSONS}


def rule(columns: Columns) -> Any:  # noqa: ANN401 - Splink's own
    """Return Splink's rule for pairs that are equal in these columns."""
    lists = [name for name in columns if name in LISTS]
    return block_on(*columns, arrays_to_explode=lists) if lists else block_on(*columns)


def with_values(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the columns that have several values on either side: of others nothing is learned."""
    return set.intersection(
        *(
            {
                name
                for name in connection.table(table).columns
                if connection.table(table).aggregate(f"count(distinct {name}) > 1").fetchone()
                == (True,)
            }
            for table in ("contacts", "others")
        )
    )


def has_pairs(connection: duckdb.DuckDBPyConnection, columns: Columns) -> bool:
    """Return whether a record of either side is equal to one of the other in these columns."""
    one, other = (
        connection.table(table)
        .project(
            ", ".join(f"unnest({name}) as {name}" if name in LISTS else name for name in columns)
        )
        .set_alias(table)
        for table in ("contacts", "others")
    )
    return one.join(other, ", ".join(columns)).limit(1).fetchone() is not None


def trained(connection: duckdb.DuckDBPyConnection, kind: Kind, *, labelled: bool) -> str:
    """Train a model and return the name of the table of its predictions."""
    known = with_values(connection)

    def usable(rules: Sequence[Columns]) -> list[Any]:
        return [
            rule(columns)
            for columns in rules
            if known.issuperset(columns) and has_pairs(connection, columns)
        ]

    blocking = usable(kind.blocking)
    api = DuckDBAPI(connection)
    tables = [
        api.register(name, dataset_display_name=name, table_name=f"{name}_input")
        for name in ("contacts", "others")
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[made for name, made in kind.comparisons.items() if name in known],
        blocking_rules_to_generate_predictions=blocking,
    )
    linker = Linker(tables, settings, log_level="ERROR")
    # Where nothing is sure, the first rule by which there are pairs is the surest.
    sure = usable(kind.sure) or blocking[:1]
    linker.training.estimate_probability_two_random_records_match(sure, recall=kind.recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=1)
    if labelled:
        linker.training.estimate_m_from_pairwise_labels(api.register("labels"))
    else:
        for learned in usable(kind.learning):
            linker.training.estimate_parameters_using_expectation_maximisation(
                learned, max_pairs=PAIRS
            )
    predictions = linker.inference.predict(threshold_match_probability=0.01)
    return str(predictions.physical_name)


def main() -> int:
    """Train both models and write their links."""
    kind, folder = KINDS[sys.argv[1]], Path(sys.argv[2])
    for name, labelled in (("plain", False), ("labelled", True)):
        connection = duckdb.connect()
        connection.execute(f"set temp_directory = '{folder}'")
        for table in ("contacts", "others", "truth"):
            rows = connection.read_parquet(f"{folder / table}.parquet", hive_partitioning=False)
            rows.create(table)
        connection.execute(
            "create table labels as select"
            " 'contacts' as source_dataset_l, contact_id as unique_id_l,"
            " 'others' as source_dataset_r, other_id as unique_id_r from truth"
        )
        table = trained(connection, kind, labelled=labelled)
        left = "source_dataset_l = 'contacts'"
        connection.execute(
            "create table predictions as select match_probability,"  # noqa: S608
            f" case when {left} then unique_id_l else unique_id_r end as contact_id,"
            f" case when {left} then unique_id_r else unique_id_l end as other_id from {table}"
        )
        connection.execute(f"create table best as {BEST}")
        row = connection.execute(THRESHOLD).fetchone() if labelled else None
        threshold = row[0] if row else 0.5
        connection.execute(
            f"copy (select contact_id, other_id from best"  # noqa: S608
            f" where probability >= {threshold})"
            f" to '{folder / name}.csv' (header)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
