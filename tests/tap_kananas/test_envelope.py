"""The records are found in any envelope, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tap_kananas.envelope import EnvelopeError, find_records, records_at

A, B = {"id": 1, "name": "a"}, {"id": 2, "name": "b"}


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ([A, B], "$"),
        ({"contacts": [A, B]}, "contacts"),
        ({"status": "ok", "data": {"page": 1, "items": [A, B]}}, "data.items"),
        ({"contacts": [A, B], "errors": [], "meta": {"count": 2}}, "contacts"),
    ],
)
def test_an_array_is_found_at_any_depth(answer: Any, path: str) -> None:
    found = find_records(answer, "id")
    assert (found.path, found.keyed, found.records) == (path, False, [A, B])


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"11": {"name": "a"}, "12": {"name": "b"}}, "$"),
        ({"contacts": {"11": {"name": "a"}, "12": {"name": "b"}}, "errors": []}, "contacts"),
    ],
)
def test_the_key_of_an_object_becomes_the_key_column(answer: Any, path: str) -> None:
    found = find_records(answer, "contact_id")
    assert (found.path, found.keyed) == (path, True)
    assert found.records == [
        {"contact_id": "11", "name": "a"},
        {"contact_id": "12", "name": "b"},
    ]


def test_a_record_that_carries_its_own_key_keeps_it() -> None:
    assert find_records({"11": {"id": 7}, "12": {"id": 8}}, "id").records == [{"id": 7}, {"id": 8}]


def test_arrays_within_keyed_records_are_no_rivals() -> None:
    answer = {"11": {"phones": [{"n": 1}]}, "12": {"phones": [{"n": 2}]}}
    assert find_records(answer, "id").records[1] == {"id": "12", "phones": [{"n": 2}]}


@pytest.mark.parametrize("answer", [[], {"contacts": []}, {"contacts": [], "total": 0}])
def test_an_empty_list_is_an_empty_account(answer: Any) -> None:
    assert find_records(answer, "id").records == []


def test_two_lists_are_an_error_that_names_both() -> None:
    with pytest.raises(EnvelopeError, match=r"'contacts', 'data\.payments'"):
        find_records({"contacts": [A], "data": {"payments": [B]}}, "id")


@pytest.mark.parametrize("answer", [{"error": "no"}, {}, "text", 3, None, [1, 2], {"a": {"b": 1}}])
def test_an_answer_without_records_is_an_error(answer: Any) -> None:
    with pytest.raises(EnvelopeError, match="no list of records"):
        find_records(answer, "id")


def test_a_path_overrides() -> None:
    answer = {"contacts": [A], "data": {"payments": [B]}}
    assert records_at(answer, "data.payments", "id").records == [B]
    assert records_at({"x": {"a": {"n": 1}}}, "x", "id").records == [{"id": "a", "n": 1}]


@pytest.mark.parametrize("path", ["payments", "data.x", "data", "$"])
def test_a_path_to_nothing_is_an_error(path: str) -> None:
    with pytest.raises(EnvelopeError, match="at "):
        records_at({"contacts": [A], "data": {"payments": 1}}, path, "id")
