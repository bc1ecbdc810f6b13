"""One evaluation that several tests look at."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation.inputs import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

# As a stranger might have made it: other words, ids as text, neither types nor columns of a loader.
STRANGE = """
create schema kananas;
create schema kizen;
create table kananas.contacts as
select
    id::varchar as "Ref", organisation as "Firm", first_name as vorname, last_name as nachname,
    email as "E-Mail", phone as tel, mobile as natel, address as rue, postal_code as plz,
    city as ort, country as land, website as homepage, vat_number as ust
from source.kananas.contacts;
create table kizen.companies as
select
    id, name, email, business_phone, addresses::json as addresses, domains::json as domains,
    custom_fields::json as custom_fields
from source.kizen.companies;
"""
COLUMNS = """
contact_columns:
  contact_id: [ref]
  organisation: [firm]
  first_name: [vorname]
  last_name: [nachname]
  email: [e_mail]
  mobile: [natel]
  postal_code: [plz]
  city: [ort]
  country: [land]
  vat_number: [ust]
"""


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation: its exit code, what it printed, and the files it wrote."""

    exit_code: int
    output: str
    errors: str
    warehouse: Path
    links: Path
    source_is_unchanged: bool


@pytest.fixture(scope="session", autouse=True)
def _dbt_starts_at_once(dbt_program: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_EXECUTABLE", str(dbt_program))
        yield


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Evaluate invented data in a stranger's file, against a floor that nothing reaches."""
    folder = tmp_path_factory.mktemp("a stranger's data")
    generated, truth = folder / "generated.duckdb", folder / "truth.csv"
    generate(generated, truth, contacts=2_000, companies=2_000, seed=6)
    source, built, links = folder / "stranger.duckdb", folder / "built.duckdb", folder / "links.csv"
    with duckdb.connect(source) as connection:
        connection.execute(f"attach '{str(generated).replace(chr(39), chr(39) * 2)}' as source")
        connection.execute(STRANGE)
    before = hashlib.sha256(source.read_bytes()).digest()
    run = subprocess.run(
        [
            *(sys.executable, "-m", "evaluation", "--db", source, "--truth", truth),
            *("--vars", COLUMNS, "--no-splink", "--links", links, "--keep", built),
            *("--floor", "F1=1"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    unchanged = hashlib.sha256(source.read_bytes()).digest() == before
    return Evaluation(run.returncode, run.stdout, run.stderr, built, links, unchanged)
