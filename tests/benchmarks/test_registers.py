"""Registers of two names become sets that links are scored on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from benchmarks.registers.sets import Pair, chosen, write

if TYPE_CHECKING:
    from pathlib import Path


def _numbered(count: int) -> list[Pair]:
    return [Pair(f"k{number}", f"one {number}", f"other {number}", "FR") for number in range(count)]


def test_names_that_are_equal_or_that_several_bear_are_left_out() -> None:
    pairs = [
        Pair("1", "Élan", "ELAN !", "FR"),
        Pair("2", "Volksbank", "Vereinigte Volksbank", "DE"),
        Pair("3", "VB", "Vereinigte Volksbank", "DE"),
        Pair("4", "VB", "Vereinigte Volksbank", "AT"),
        Pair("5", "中山", "Sun Yat-sen", None),
        Pair("6", "-", "Nothing to read", None),
    ]
    assert {pair.key for pair in chosen(pairs)} == {"2", "4", "5"}


def test_the_same_names_give_the_same_sets() -> None:
    pairs = _numbered(40)
    assert chosen(pairs) == chosen(reversed(pairs))
    assert chosen(pairs) != pairs


def test_a_sixth_of_either_side_is_alone_and_the_truth_has_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "banks", _numbered(60))
    path = tmp_path / "banks" / "banks.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        contacts = dict(
            connection.execute("select id, organisation from kananas.contacts").fetchall()
        )
        companies = dict(connection.execute("select id, name from kizen.companies").fetchall())
        truth = connection.execute(
            f"select contact_id, company_id from '{path.with_suffix('.truth.csv')}'"
        ).fetchall()
    assert (len(contacts), len(companies), len(truth)) == (50, 50, 40)
    assert all(one == other for one, other in truth)
    assert {one for one, _ in truth} == contacts.keys() & companies.keys()
    assert (contacts["k20"], companies["k20"]) == ("one 20", "other 20")
