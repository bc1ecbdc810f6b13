"""A published copy without dbt: its tables have the columns that the models promise.

`python -m tests.console.report.warehouse` times the report over a large one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

from console.published import Published
from console.report.page import Settings, render
from console.report.sections import accuracy
from tools.browser import browser, chromium

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[3]
DBT = ROOT / "dbt_project"

#: The version of the rules that was measured.
(VERSION,) = accuracy.MEASURED

#: When the report is written in these tests.
NOW = datetime(2026, 11, 28, 6, 12, tzinfo=timezone.utc)
BUILT = "2026-11-28 06:10:00.000000+00:00"

#: What another change adds, as its description says it.
DUPLICATES = (
    "kind varchar, left_id varchar, right_id varchar, left_name varchar, right_name varchar, "
    "confidence double, reasons varchar, fuller_id varchar"
)


@cache
def promised(table: str) -> str:
    """Return the columns of a mart as its contract has them."""
    file = DBT / "models" / "marts" / f"{table}.yml"
    (model,) = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    return ", ".join(f'"{each["name"]}" {each["data_type"]}' for each in model["columns"])


MARTS = (
    "companies", "contact_company_links", "contact_mapping_report", "contact_person_links",
    "contacts", "crm_mapping_report", "deals", "link_override_report", "link_quality",
    "link_review_queue", "linkability", "run_steps", "run_streams",
)  # fmt: skip


@cache
def _empty() -> bytes:
    """Return a DuckDB file with the tables of a published copy."""
    links = promised("contact_company_links")
    tables = {
        **{f"marts.{each}": promised(each) for each in MARTS},
        "history.contact_company_link_history": (
            f"{links}, dbt_valid_from timestamp, dbt_valid_to timestamp"
        ),
        "intermediate.int_links__decided": links,
        "intermediate.changes": promised("link_changes"),
        "staging.stg_kizen__contacts": "kizen_contact_id varchar",
        "intermediate.int_samples__judged": (
            "contact_id varchar, tier varchar, company_id varchar, answer varchar,"
            " judged_company_id varchar"
        ),
    }
    for side in ("contact", "company"):
        sides = {"contact": "contacts", "company": "companies"}[side]
        tables |= {
            f"intermediate.int_{sides}__match_keys": (
                f"{side}_id varchar, core_number bigint, vat_number varchar, street_name varchar,"
                " city varchar, postal_code varchar"
            ),
            f"intermediate.int_{sides}__domains": f"{side}_id varchar",
            f"intermediate.int_{sides}__phones": f"{side}_id varchar",
        }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "warehouse.duckdb")
        with duckdb.connect(str(path)) as connection:
            for schema in ("kananas", "kizen", "seeds", *{name.split(".")[0] for name in tables}):
                connection.execute(f"create schema {schema}")
            for name, columns in tables.items():
                connection.execute(f"create table {name} ({columns})")
            connection.execute(
                "create table intermediate.int_builds__last as "
                f"select cast('{BUILT}' as timestamp) as started_at"
            )
            connection.execute(f"""
                create view marts.link_changes as
                select * replace (
                    changed_at >= cast('{BUILT}' as timestamp) as in_last_build
                ) from intermediate.changes
            """)
            levels = DBT / "seeds" / "link_levels.csv"
            connection.execute(f"create table seeds.link_levels as from read_csv('{levels}')")
        return path.read_bytes()


class Warehouse:
    """A DuckDB file with the tables of a published copy, empty at first."""

    def __init__(self, folder: Path, *, without: Sequence[str] = ()) -> None:
        """Make the file; `without` names tables, as `schema.table`, that are not there."""
        self.path = folder / "warehouse.duckdb"
        self.path.write_bytes(_empty())
        self.connection = duckdb.connect(str(self.path))
        self._rows: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}
        self.sql("begin")
        self.sql("set timezone = 'UTC'")
        for name in without:
            self.sql(f"drop {'view' if name.endswith('link_changes') else 'table'} {name}")

    def sql(self, query: str) -> None:
        self.connection.execute(query)

    def add(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Add rows, each by the names of its columns; they are written by `close`."""
        for row in rows:
            self._rows.setdefault((table, tuple(row)), []).append(list(row.values()))

    def load(self, table: str, rows: int, at: datetime, columns: str = "id") -> None:
        """Make a raw table of so many rows, as the loader leaves it."""
        schema, _, name = table.partition(".")
        quoted = schema + '"."' + name.replace('"', '""')
        self.sql(f"""
            create or replace table "{quoted}" as
            select
                range as {columns},
                cast('{at.isoformat()}' as timestamptz) as _sdc_received_at,
                cast(null as timestamptz) as _sdc_deleted_at
            from range({rows})
        """)

    def close(self) -> Path:
        """Close the file; return where it is."""
        # All that are alike at once: each statement takes longer than its rows.
        for (table, names), rows in self._rows.items():
            marks = ", ".join(["(" + ", ".join("?" * len(names)) + ")"] * len(rows))
            self.connection.execute(
                f"insert into {table} ({', '.join(names)}) values {marks}",
                [value for row in rows for value in row],
            )
        self.sql("commit")
        self.connection.close()
        return self.path


def page(path: Path, settings: Settings | None = None, now: datetime = NOW) -> str:
    """Return the report over a published copy."""
    with closing(Published(path)) as published:
        return render(published, settings or Settings(), {}, now)


def large(folder: Path, contacts: int, waiting: int) -> Path:
    """Make a published copy of so many contacts, and a year of history."""
    made = Warehouse(folder)
    made.load("kananas.contacts", contacts, NOW)
    made.load("kizen.companies", contacts // 5, NOW)
    made.sql(f"""
        insert into marts.companies (company_id, company_name, city, contact_count)
        select 'c' || range, 'Company ' || range, 'Lyon', greatest(0, 40 - range // 100)
        from range({contacts // 5})
    """)
    made.sql(f"""
        insert into marts.contacts
            (contact_id, first_name, last_name, organisation, email, city, link_status)
        select
            cast(range as varchar), 'First', 'Last ' || range, 'Company ' || (range // 3),
            'p' || range || '@example.org', 'Lyon',
            if(range < {waiting}, 'review', if(range % 2 = 0, 'auto', 'none'))
        from range({contacts})
    """)
    links = """
        insert into {table}
            (contact_id, company_id, status, tier, confidence, conflict, reasons, rule_version)
        select
            contact_id, if(link_status = 'none', null, 'c1'), link_status,
            if(link_status = 'none', null, 'name and domain'),
            if(link_status = 'none', null, 0.97), false,
            if(link_status = 'none', 'nothing to link by', 'the names are equal'),
            '8'
        from marts.contacts
    """
    for table in ("marts.contact_company_links", "intermediate.int_links__decided"):
        made.sql(links.format(table=table))
    made.sql("""
        insert into history.contact_company_link_history
        select *, timestamp '2025-11-01' + (cast(contact_id as int) % 365) * interval 1 day, null
        from marts.contact_company_links
    """)
    made.sql("""
        insert into intermediate.changes (contact_id, changed_at, change, company_id, reasons)
        select
            contact_id,
            timestamp '2026-11-28 06:11' - (cast(contact_id as int) % 30) * interval 1 day,
            if(cast(contact_id as int) % 7 = 0, 'other company', 'company found'), 'c1', reasons
        from marts.contact_company_links
    """)
    made.sql(f"""
        insert into marts.link_review_queue
            (review_rank, contact_id, contact_name, organisation, company_id, company_name,
            confidence, reasons, similar_contact_count)
        select
            range + 1, cast(range as varchar), 'First Last ' || range, 'Company ' || range, 'c1',
            'Company 1', 0.8, 'the names are equal; the cities differ', 1
        from range({waiting})
    """)
    return made.close()


#: The most that it may take: seconds to write it, its bytes, seconds to open it.
MOST_WRITTEN, MOST_BYTES, MOST_OPENED = 10, 1_000_000, 2


def main() -> int:
    """Time the report over a large copy: writing it, and opening it; 1 where it takes too much."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--queue-length", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        path = large(Path(folder), options.contacts, options.waiting)
        started = perf_counter()
        text = page(path, Settings(queue_length=options.queue_length))
        written = perf_counter() - started
        file = Path(folder, "report.html")
        file.write_text(text, encoding="utf-8")
        size = file.stat().st_size
        is_good = written < MOST_WRITTEN and size < MOST_BYTES
        say = [
            f"{options.contacts:,} contacts",
            f"{options.waiting:,} in the queue",
            f"written in {written:.2f} s",
            f"{size / 1000:,.0f} kB",
        ]
        if (installed := chromium()) is not None:
            with browser(installed) as opened:
                shown = opened.new_page()
                started = perf_counter()
                shown.goto(file.as_uri())
                took = perf_counter() - started
                is_good &= took < MOST_OPENED
                say.append(f"opened in {took:.2f} s")
    sys.stdout.write(", ".join(say) + "\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
