"""The same rows give the same links, in whatever order; a row more changes no other link.

But for the row that tips what companies of the account have as a rule, one contact or several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation.building import database, dbt
from evaluation.inputs import generate

if TYPE_CHECKING:
    from pathlib import Path

LINKS = "from marts.contact_company_links order by contact_id"
CHANGES = """
select contact_id, change from marts.link_changes where in_last_build order by contact_id
"""
REVERSE = """
create or replace table kananas.contacts as from kananas.contacts order by rowid desc;
create or replace table kizen.companies as from kizen.companies order by rowid desc;
"""
# Somebody else of a company that is in the CRM, under its name and its domain.
ADD = """
insert into kananas.contacts by name
select
    '999999' as id, 'Zoé' as first_name, 'Newcomer' as last_name, name as organisation,
    'zoe@' || (domains ->> '$[0].name') as email
from kizen.companies
where domains ->> '$[0].name' is not null
order by id
limit 1
"""


class Builds:
    """One warehouse, built again and again."""

    def __init__(self, folder: Path) -> None:
        """Fill it with generated rows."""
        self._folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        generate(self.warehouse, folder / "truth.csv", contacts=1_000, companies=1_000, seed=13)

    def change(self, statements: str) -> None:
        """Change the raw rows."""
        with duckdb.connect(self.warehouse) as connection:
            connection.execute(statements)

    def build(self) -> tuple[list[tuple[object, ...]], list[tuple[str, str]]]:
        """Build the links and their history; give all links, and what the build changed."""
        dbt(
            ["build", "--select", "+link_changes", "--exclude-resource-type", "test", "unit_test"],
            self._folder,
            environment=database(self.warehouse, self._folder),
        )
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return connection.execute(LINKS).fetchall(), connection.execute(CHANGES).fetchall()


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Rows that are built once."""
    made = Builds(tmp_path_factory.mktemp("stability"))
    links, changes = made.build()
    assert {change for _, change in changes} == {"contact appeared"}
    assert len(links) == len(changes) == 1_000
    return made


def test_only_rows_count_and_neither_their_order_nor_what_is_new(builds: Builds) -> None:
    with duckdb.connect(builds.warehouse, read_only=True) as connection:
        before = connection.execute(LINKS).fetchall()

    builds.change(REVERSE)
    assert builds.build() == (before, [])

    builds.change(ADD)
    links, changes = builds.build()
    assert changes == [("999999", "contact appeared")]
    (new,) = (link for link in links if link[0] == "999999")
    assert new[1] is not None
    assert [link for link in links if link != new] == before
