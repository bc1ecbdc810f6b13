"""Several sets are evaluated at once, and stand in one table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation import sets
from evaluation.__main__ import main as evaluate
from evaluation.inputs import InputError

if TYPE_CHECKING:
    from pathlib import Path

RAW = """
create schema kananas;
create schema kizen;
create table kananas.contacts as
select * from (values
    (1, 'Amicale Lumivert', 'amicale@lumivert.example', 'FR', 'Nantes'),
    (2, 'Harmonie Zoribelle', null, 'FR', 'Rennes'),
    (3, null, 'someone@private.example', 'FR', 'Brest'),
    (4, 'Bear Museum Quastofel', null, 'FR', 'Brest'),
    (5, 'Voltige Kermorvan', null, 'FR', 'Lyon'),
    (6, 'Chorale Pindarique', null, 'FR', 'Lyon')
) as contacts (id, organisation, email, country, city);
create table kizen.companies as
select * from (values
    ('a', 'AMICALE LUMIVERT', 'FR', 'Nantes'), ('b', 'Harmonie Zoribelle', 'FR', 'Rennes'),
    ('c', 'Cercle Ondoyant', 'FR', 'Brest'), ('d', 'Musée des oursons', 'FR', 'Metz')
) as companies (id, name, country, city);
"""
TRUTH = "contact_id,company_id\n1,a\n2,b\n3,c\n4,d\n"


def _make(folder: Path, name: str, truth: str = TRUTH) -> Path:
    folder.mkdir(exist_ok=True)
    with duckdb.connect(folder / f"{name}.duckdb") as connection:
        connection.execute(RAW)
    (folder / f"{name}.truth.csv").write_text(truth, encoding="utf-8")
    return folder / name


def test_each_set_has_a_row_and_each_kind_of_miss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "real names"
    _make(folder, "clubs")
    _make(folder, "other", "contact_id,company_id\n1,a\n2,c\n")
    given = ("--no-splink", "--sets", f"'{folder}'", "--floor", "recall=0.4 auto_recall=0.4")
    assert evaluate(given) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert "… clubs: set 1 of 2, dbt builds the links\n" in output
    rows = [re.split(r"  +", line.strip()) for line in output.splitlines()]
    table = {row[0]: row for row in rows if len(row) == len(sets.HEADER)}
    assert table["set"] == sets.HEADER
    # The museum is found by its word in the other language, and is too little alike to be linked.
    links = ["0.6667", "1.0000", "0.5000", "1.0000", "0.5000", "0.7500"]
    assert table["clubs"][1:8] == [*links, "1.2"]
    assert table["clubs"][8] == "0.8571"
    assert re.fullmatch(
        r"letter n-grams of names, from 0\.\d\d, given the truth", table["clubs"][9]
    )
    assert table["other"][1:6] == ["0.5000", "0.5000", "0.5000", "0.5000", "0.5000"]
    misses = {row[0]: row[1:] for row in rows if len(row) == 1 + 2 and "─" not in row[0]}
    assert misses == {
        "true links not found": ["clubs", "other"],
        "no name on the contact": ["1", "0"],
        "translated or nothing in common": ["1", "1"],
    }
    assert not any(name in output for name in ("Lumivert", "oursons"))


def test_a_set_below_the_floor_fails_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = _make(tmp_path, "clubs")
    assert evaluate(("--no-splink", "--sets", str(one), "--floor", "recall=0.6")) == 1
    error = "Below the floor: clubs: recall 0.5000, the floor is 0.6\n"
    assert capsys.readouterr().err == error


def test_sets_are_folders_or_files_with_or_without_their_ending(tmp_path: Path) -> None:
    clubs, firms = _make(tmp_path / "a", "clubs"), _make(tmp_path / "b", "firms.2026")
    lone = _make(tmp_path / "c", "warehouse")
    lone.with_name("warehouse.truth.csv").rename(lone.with_name("truth.csv"))
    names = f"{clubs} {firms}.duckdb {lone.parent} {clubs.parent}"
    assert [one.name for one in sets.parsed(names)] == ["clubs", "firms.2026", "warehouse"]
    assert [one.name for one in sets.parsed(f"'{firms}'")] == ["firms.2026"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("{folder}/no", "SETS: {folder}/no is no set: there is no file {folder}/no.duckdb"),
        ("{folder}", "SETS: {folder} is no set: there is no file {folder}/untold.truth.csv"),
        ("{folder}/empty", "SETS: the folder {folder}/empty has no NAME.duckdb"),
        ("'{folder}", "SETS='{folder} cannot be read: No closing quotation"),
        (" ", "SETS is empty"),
    ],
)
def test_what_is_no_set_is_one_line(tmp_path: Path, given: str, error: str) -> None:
    _make(tmp_path, "clubs")
    (tmp_path / "untold.duckdb").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=re.escape(error.format(folder=tmp_path))) as caught:
        sets.parsed(given.format(folder=tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("db", "x.duckdb"), ("truth", "x.csv"), ("links", "x.csv"), ("keep", "x.duckdb"),
     ("seed", "0"), ("contacts", "9"), ("companies", "9")],
)  # fmt: skip
def test_what_is_of_one_set_is_refused_beside_sets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    one = _make(tmp_path, "clubs")
    assert evaluate(("--sets", str(one), f"--{name}", value)) == 2
    assert capsys.readouterr().err == f"{name.upper()} is of one set: leave it out, or SETS\n"


def test_a_set_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = _make(tmp_path, "clubs", "contact,company\n1,a\n")
    assert evaluate(("--no-splink", "--sets", str(one))) == 2
    error = capsys.readouterr().err
    assert error.startswith("SETS: clubs: TRUTH=")
    assert error.count("\n") == 1
