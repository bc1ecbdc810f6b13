"""A key that does not fit is told, with those that would."""

from __future__ import annotations

from tap_kananas.keys import explain_unfit_key

RECORDS = [
    {"ref": "a", "n": 1, "group": "x", "note": ""},
    {"ref": "b", "n": 2, "group": "x", "note": "z"},
]


def test_a_good_key_has_no_error() -> None:
    assert explain_unfit_key(RECORDS, ["ref"]) is None
    assert explain_unfit_key(RECORDS, ["group", "n"]) is None
    assert explain_unfit_key([], ["id"]) is None


def test_a_missing_key_names_what_could_be_it() -> None:
    assert explain_unfit_key(RECORDS, ["id"]) == (
        "the key 'id' is missing or empty in 2 of 2 records; could be the key: ref, n; "
        "columns seen: ref, n, group, note"
    )


def test_an_empty_key_is_a_missing_one() -> None:
    problem = explain_unfit_key(RECORDS, ["note"])
    assert problem is not None
    assert problem.startswith("the key 'note' is missing or empty in 1 of 2 records")


def test_a_key_with_equal_values_is_refused() -> None:
    problem = explain_unfit_key(RECORDS, ["group"])
    assert problem is not None
    assert problem.startswith("the key 'group' has only 1 values in 2 records")
