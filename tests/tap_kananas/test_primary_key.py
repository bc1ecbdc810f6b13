"""A key that does not fit is told, with those that would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_kananas.schema.primary_key import PrimaryKeyCheck, RecordHasher
from tap_kananas.schema.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable

RECORDS: list[dict[str, Any]] = [
    {"ref": "a", "n": 1, "group": "x", "note": ""},
    {"ref": "b", "n": 2, "group": "x", "note": "z"},
]


def problem(
    records: Iterable[dict[str, Any]], columns: list[str], *, page: int | None = None
) -> str | None:
    check, spool = PrimaryKeyCheck(columns), Spool()
    for number, record in enumerate(records, start=1):
        check.add(record)
        spool.append(record)
        if page and number % page == 0:
            check.end_page()
    check.end_page()
    return check.problem(spool, paged=page is not None)


def test_a_good_key_has_no_error() -> None:
    assert problem(RECORDS, ["ref"]) is None
    assert problem(RECORDS, ["group", "n"]) is None
    assert problem([], ["id"]) is None


def test_a_missing_key_names_what_could_be_it() -> None:
    assert problem(RECORDS, ["id"]) == (
        "the key 'id' is missing or empty in 2 of 2 records; could be the key: ref, n; "
        "columns seen: ref, n, group, note"
    )


def test_an_empty_key_is_a_missing_one() -> None:
    line = problem(RECORDS, ["note"])
    assert line is not None
    assert line.startswith("the key 'note' is missing or empty in 1 of 2 records")


def test_a_key_with_equal_values_is_refused() -> None:
    line = problem(RECORDS, ["group"])
    assert line is not None
    assert line.startswith("the key 'group' has only 1 values in 2 records")


def test_two_spellings_of_a_moment_are_one_key_in_the_table() -> None:
    moments = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00"]
    line = problem([{"id": moment} for moment in moments], ["id"])
    assert line is not None
    assert "only 2 values in 3 records" in line


def test_a_number_and_its_text_are_one_key_in_the_table() -> None:
    line = problem([{"id": 1}, {"id": "1"}, {"id": 1.0}, {"id": 2}], ["id"])
    assert line is not None
    assert "only 2 values in 4 records" in line


def test_candidates_come_from_all_records() -> None:
    many = [{"late": n % 12_000, "good": f"x{n}", "often": n % 7, "a": n} for n in range(12_500)]
    line = problem(many, ["id"])
    assert line is not None
    assert "could be the key: good, a; " in line


def test_a_last_resort_is_named() -> None:
    line = problem([{"x": 1}, {"x": 1}], ["id"])
    assert line is not None
    assert "'record_hash' can" in line


def test_a_record_may_come_again_on_another_page() -> None:
    rows = [{"id": n} for n in (1, 2, 2, 3)]
    assert problem(rows, ["id"], page=2) is None
    assert problem(rows, ["id"]) is not None
    assert problem([{"id": n} for n in (1, 1, 2, 3)], ["id"], page=2) is not None


def test_a_hash_tells_records_apart() -> None:
    hashed = RecordHasher()
    first, again, other = hashed({"a": 1, "b": "é"}), hashed({"b": "é", "a": 1}), hashed({"a": 1})
    assert len({first, again, other}) == 3
    assert RecordHasher()({"b": "é", "a": 1}) == first
    assert len(hashed({"half": "\ud800"})) == len(first) == 64
