"""How seconds and memory of publishing grow with the rows, on this machine, to a folder.

Each size is a DuckDB file of raw contacts (a JSON of a kilobyte each), marts of contacts and links,
and a table that stays small. It is published three times by the program `parquet-publish`: at
first, with nothing changed, and with one contact changed. Seconds are those of CPU, over all cores,
which other programs on the machine change little; memory is the peak of the process.

Usage: python benchmarks/parquet/growth.py [ROWS …]; make setup .venv-dev/ready before it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
ROWS = (100_000, 300_000, 1_000_000)

TABLES = """
CREATE SCHEMA kananas; CREATE SCHEMA marts;
CREATE TABLE kananas.contacts AS
SELECT i AS id, 'First' || (i % 5000) AS first_name, 'Last' || hash(i) % 100000 AS last_name,
    'mail' || i || '@example.org' AS email, '+3312345' || (10000 + i % 90000) AS phone,
    CAST('{"notes": "' || array_to_string([md5((31 * i + k)::VARCHAR) FOR k IN range(30)], ' ')
        || '"}' AS JSON) AS additional_fields,
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i % 1000000) SECOND AS updated_at
FROM range({rows}) t(i);
CREATE TABLE marts.contacts AS
SELECT CAST(id AS VARCHAR) AS contact_id, first_name, last_name, email, phone, updated_at,
    'company ' || id % 20000 AS company_name FROM kananas.contacts;
CREATE TABLE marts.contact_company_links AS
SELECT contact_id, company_name AS company_id, (hash(contact_id) % 100) / 100 AS confidence,
    'same name and domain' AS reasons FROM marts.contacts;
CREATE TABLE marts.runs AS FROM range(100) t(run)
"""


def published(database: Path, folder: Path) -> tuple[float, float]:
    """Publish; return seconds of CPU, and peak memory in GB."""
    command = [sys.executable, "-m", "target_duckdb.parquet.cli", str(database), str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        sys.exit(process.returncode)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def main() -> None:
    """Print a row of the table for each size."""
    print("| contacts | DuckDB file | Parquet | first | nothing changed | one changed | memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for rows in [int(each) for each in sys.argv[1:]] or ROWS:
        with tempfile.TemporaryDirectory() as name:
            database, folder = Path(name, "warehouse.duckdb"), Path(name, "out")
            with duckdb.connect(str(database)) as connection:
                connection.execute(TABLES.replace("{rows}", str(rows)))
            times = [published(database, folder), published(database, folder)]
            size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
            with duckdb.connect(str(database)) as connection:
                connection.execute("UPDATE marts.contacts SET phone = NULL WHERE contact_id = '1'")
            times.append(published(database, folder))
            seconds = " | ".join(f"{each[0]:.1f} s" for each in times)
            print(
                f"| {rows:,} | {database.stat().st_size / 1e9:.2f} GB | {size / 1e9:.2f} GB "
                f"| {seconds} | {max(each[1] for each in times):.1f} GB |",
                flush=True,
            )
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
