"""The records are found in any envelope, and never guessed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kananas.response.json_stream import JsonStream
from tap_kananas.response.records_path import (
    RecordsPath,
    RecordsPathError,
    find_candidates,
    read_records,
)

A, B = {"id": 1, "name": "a"}, {"id": 2, "name": "b"}


def text(answer: Any) -> JsonStream:
    return JsonStream([json.dumps(answer)])


def find(answer: Any) -> RecordsPath:
    return find_candidates(text(answer)).choose("contacts")


def records(answer: Any, path: tuple[str, ...], key_column: str = "id") -> list[dict[str, Any]]:
    return list(read_records(text(answer), path, key_column, {}))


def found(answer: Any, key_column: str = "id") -> list[dict[str, Any]]:
    return records(answer, find(answer).names, key_column)


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ([A, B], "$"),
        ({"contacts": [A, B]}, "contacts"),
        ({"status": "ok", "data": {"page": 1, "items": [A, B]}}, "data.items"),
        ({"contacts": [A, B], "errors": [], "meta": {"count": 2}}, "contacts"),
        # Arrays come before objects keyed by id, filled ones before empty ones.
        ({"groups": {"1": {"a": 1}, "2": {"a": 2}}, "contacts": [A, B]}, "contacts"),
        ({"tags": [], "contacts": [A, B]}, "contacts"),
        ({"2026": {"contacts": [A, B]}, "total": 2}, "2026.contacts"),
    ],
)
def test_an_array_is_found_at_any_depth(answer: Any, path: str) -> None:
    place = find(answer)
    assert (str(place), place.keyed, place.size) == (path, False, 2)
    assert found(answer) == [A, B]


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"11": {"name": "a"}, "12": {"name": "b"}}, "$"),
        ({"contacts": {"11": {"name": "a"}, "12": {"name": "b"}}, "errors": []}, "contacts"),
        ({"tags": [], "contacts": {"11": {"name": "a"}, "12": {"name": "b"}}}, "contacts"),
    ],
)
def test_the_key_of_an_object_becomes_the_key_column(answer: Any, path: str) -> None:
    place = find(answer)
    assert (str(place), place.keyed, place.size) == (path, True, 2)
    assert found(answer, "contact_id") == [
        {"contact_id": "11", "name": "a"},
        {"contact_id": "12", "name": "b"},
    ]


def test_names_that_are_no_ids_may_key_records_that_are_alike() -> None:
    answer = {"martin-j": {"name": "a", "age": 1}, "dupont-z": {"name": "b", "mail": "c"}}
    assert find(answer) == RecordsPath((), keyed=True, size=2)
    assert found(answer)[1] == {"id": "dupont-z", "name": "b", "mail": "c"}


def test_a_record_that_carries_its_own_key_keeps_it() -> None:
    assert found({"11": {"id": 7}, "12": {"id": None}}) == [{"id": 7}, {"id": "12"}]


def test_arrays_within_keyed_records_are_no_rivals() -> None:
    answer = {"11": {"phones": [{"n": 1}]}, "12": {"phones": [{"n": 2}]}}
    assert found(answer)[1] == {"id": "12", "phones": [{"n": 2}]}


@pytest.mark.parametrize(
    "answer", [[], {"contacts": []}, {"contacts": [], "total": 0}, {"contacts": [], "tags": []}]
)
def test_an_empty_list_is_an_empty_account(answer: Any) -> None:
    assert find(answer).size == 0
    assert found(answer) == []


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ({"tags": [B], "contacts": [A]}, "contacts"),
        ({"Contacts": [A], "data": {"payments": [B]}}, "Contacts"),
        ({"data": {"contacts": {"1": A}, "tags": [B]}}, "data.contacts"),
        ({"contacts": [], "tags": [B]}, "contacts"),
    ],
)
def test_of_two_lists_the_one_that_is_called_as_what_was_asked_for_counts(
    answer: Any, path: str
) -> None:
    assert str(find(answer)) == path


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"items": [A], "data": {"payments": [B]}}, "'items', 'data.payments'"),
        ({"items": [A], "links": {"contacts": [B]}}, "'items', 'links.contacts'"),
        ({"a": {"contacts": [A]}, "b": {"contacts": [B]}}, "'a.contacts', 'b.contacts'"),
    ],
)
def test_two_lists_are_an_error_that_names_both(answer: Any, words: str) -> None:
    with pytest.raises(RecordsPathError, match=re.escape(words)):
        find(answer)


@pytest.mark.parametrize("answer", [{"error": "no"}, {}, "text", 3, None, [1, 2], {"a": {"b": 1}}])
def test_an_answer_without_records_is_an_error(answer: Any) -> None:
    with pytest.raises(RecordsPathError, match="no list of records"):
        find(answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"code": 3, "message": "no such key"}}, "error: no such key"),
        ({"errors": [{"message": "no such key"}], "data": []}, "errors: no such key"),
        ({"erreur": "clé inconnue"}, "erreur: clé inconnue"),
        ({"success": False, "message": "expired"}, "expired"),
        ({"status": "error", "code": 401}, "status: error; code: 401"),
        ({"error": "partial", "contacts": [A]}, "error: partial"),
    ],
)
def test_an_error_object_is_told(answer: Any, words: str) -> None:
    assert find_candidates(text(answer)).error_response.message == words


@pytest.mark.parametrize(
    "answer",
    [
        {"error": None, "contacts": [A]},
        {"error": False, "errors": [], "contacts": [A]},
        {"error": 0, "success": True, "contacts": [A]},
        {"status": "ok", "message": "2 contacts", "contacts": [A]},
        {"contacts": [{"id": 1, "error": "in a record", "status": "error"}]},
    ],
)
def test_no_error_is_no_error(answer: Any) -> None:
    assert find_candidates(text(answer)).error_response.message is None
    assert find(answer).names == ("contacts",)


def test_a_path_overrides() -> None:
    answer = {"contacts": [A], "data": {"payments": [B]}, "errors": [A]}
    assert records(answer, ("data", "payments")) == [B]
    assert records(answer, ("errors",)) == [A]
    assert records({"x": {"a": {"n": 1}}}, ("x",)) == [{"id": "a", "n": 1}]
    assert records({"x": {}}, ("x",)) == []


@pytest.mark.parametrize("path", ["payments", "data.x", "data", "$", "contacts.id"])
def test_a_path_to_nothing_is_an_error(path: str) -> None:
    names = () if path == "$" else tuple(path.split("."))
    with pytest.raises(RecordsPathError, match="at "):
        records({"contacts": [A], "data": {"payments": 1}}, names)


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(), "tags": st.lists(st.fixed_dictionaries({"n": st.integers()}))}
    ),
    min_size=1,
    max_size=5,
)
NAMES = st.lists(st.sampled_from(["data", "contacts", "items", "résultats"]), max_size=4)


@given(RECORDS, NAMES)
def test_records_are_found_wherever_they_are(rows: list[dict[str, Any]], path: list[str]) -> None:
    answer: Any = rows
    for name in reversed(path):
        answer = {"page": 1, name: answer, "meta": {"total": len(rows)}}
    assert find(answer) == RecordsPath(tuple(path), keyed=False, size=len(rows))
    assert found(answer) == rows
