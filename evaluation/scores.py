"""Links against the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

AUTO = "status in ('auto', 'forced')"
LINKED = "status in ('auto', 'forced', 'review')"


class Score(NamedTuple):
    """How many links were made, how many of them are right, and how many there are in truth."""

    links: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """The share of the links that are right; 1 where none was made."""
        return self.right / self.links if self.links else 1.0

    @property
    def recall(self) -> float:
        """The share of the truth that was found; 0 where there is none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.links + self.true) if self.links + self.true else 0.0


class Group(NamedTuple):
    """The links of one tier or one confidence; `claimed` is the share that should be right."""

    name: str
    links: int
    right: int
    claimed: float | None

    @property
    def precision(self) -> float:
        """The share that is right."""
        return self.right / self.links


class Candidates(NamedTuple):
    """How many companies were compared with a contact: on average, and at the 99th percentile."""

    mean: float
    most: int


def score(connection: duckdb.DuckDBPyConnection, pairs: str) -> Score:
    """Score the pairs of a query (contact_id, company_id) against the table `truth`."""
    links, right = _row(
        connection,
        f"select count(*), count(truth.contact_id)"
        f" from (select distinct contact_id, company_id from ({pairs})) as pairs"
        f" left join truth using (contact_id, company_id)",
    )
    (true,) = _row(connection, "select count(*) from truth")
    return Score(links, right, true)


def linked(condition: str) -> str:
    """Return the query of the links that a condition on `contact_company_links` leaves."""
    return (
        "select contact_id, company_id from marts.contact_company_links"
        f" where company_id is not null and {condition}"
    )


def groups(connection: duckdb.DuckDBPyConnection, column: str) -> list[Group]:
    """Return the proposed and decided links by the values of a column, the largest group first."""
    rows = connection.execute(
        f"select {column}::varchar, count(*), count(truth.contact_id),"
        f" avg(confidence) from marts.contact_company_links as links"
        f" left join truth using (contact_id, company_id)"
        f" where company_id is not null and {LINKED} group by 1 order by 2 desc, 1"
    ).fetchall()
    return [Group(str(name), links, right, claimed) for name, links, right, claimed in rows]


def candidates(connection: duckdb.DuckDBPyConnection, pairs: str) -> Candidates:
    """Count the pairs of a query (contact_id, company_id) per contact; some have none."""
    mean, most = connection.execute(
        f"select coalesce(avg(companies), 0), coalesce(quantile_disc(companies, 0.99), 0) from ("
        f"select count(distinct pairs.company_id) as companies"
        f" from staging.stg_kananas__contacts as contacts"
        f" left join ({pairs}) as pairs using (contact_id) group by contacts.contact_id)"
    ).fetchone() or (0, 0)
    return Candidates(float(mean), int(most))


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    return tuple(int(value) for value in row or ())
