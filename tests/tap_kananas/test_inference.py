"""Types come from all records, only widen, and lose nothing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tap_kananas.schema.inference import conform, infer_schema


def column(*values: Any) -> tuple[dict[str, Any], list[Any]]:
    """Give the schema of a column, and its values as they are sent."""
    columns = infer_schema([{"id": n, "x": value} for n, value in enumerate(values)])
    kind = columns.kinds["x"]
    return columns.schema(["id"])["properties"]["x"], [conform(value, kind) for value in values]


@pytest.mark.parametrize(
    ("values", "types", "format_", "sent"),
    [
        ([1, 2], ["integer", "null"], None, [1, 2]),
        ([1, 2.5], ["number", "null"], None, [1.0, 2.5]),
        ([True, None], ["boolean", "null"], None, [True, None]),
        (["007", "12"], ["string", "null"], None, ["007", "12"]),
        ([1, "x"], ["string", "null"], None, ["1", "x"]),
        ([1, ""], ["string", "null"], None, ["1", ""]),
        ([True, 2], ["string", "null"], None, ["true", "2"]),
        ([2**64, 1], ["string", "null"], None, ["18446744073709551616", "1"]),
        ([None, None], ["string", "null"], None, [None, None]),
        (["", None], ["string", "null"], None, ["", None]),
        (["2026-03-31", ""], ["string", "null"], "date", ["2026-03-31", None]),
        (["2026-03-31", "2026-02-30"], ["string", "null"], None, ["2026-03-31", "2026-02-30"]),
        (
            ["2026-03-31T16:23:53.231165-05:00", "2026-01-01T00:00:00Z"],
            ["string", "null"],
            "date-time",
            ["2026-03-31T21:23:53.231165Z", "2026-01-01T00:00:00Z"],
        ),
        # Without an offset the zone is unknown, and is not guessed.
        (["2026-03-31 16:23:53"], ["string", "null"], None, ["2026-03-31 16:23:53"]),
        (["2026-03-31", "2026-01-01T00:00:00Z"], ["string", "null"], None, None),
        (["2026-03-31", "0000-00-00"], ["string", "null"], "date", ["2026-03-31", None]),
        (["0000-00-00", ""], ["string", "null"], None, ["0000-00-00", ""]),
        # Beyond 2^53 a number with a fraction cannot hold every integer.
        ([2**53 + 1, 2], ["integer", "null"], None, [2**53 + 1, 2]),
        ([2**53 + 1, 0.5], ["string", "null"], None, ["9007199254740993", "0.5"]),
        # More digits than microseconds, or a UTC before the first year, would be changed.
        (["2026-03-31T16:23:53.1234567Z"], ["string", "null"], None, None),
        (["0001-01-01T00:00:00+14:00"], ["string", "null"], None, None),
        # Day first or month first: nobody knows.
        (["31/03/2026"], ["string", "null"], None, ["31/03/2026"]),
        ([{"a": 1}, None], ["object", "null"], None, [{"a": 1}, None]),
        ([["a"], []], ["array", "null"], None, [["a"], []]),
        ([{"a": 1}, 3, "x", []], None, None, [{"a": 1}, 3, "x", []]),
    ],
)
def test_a_column_is_what_its_values_are(
    values: list[Any], types: list[str] | None, format_: str | None, sent: list[Any] | None
) -> None:
    schema, as_sent = column(*values)
    assert schema.get("format") == format_
    if types is None:
        assert {"object", "array", "string", "number", "null"} <= set(schema["type"])
    else:
        assert schema["type"] == types
    assert as_sent == (values if sent is None else sent)


def test_the_last_record_counts_as_much_as_the_first() -> None:
    schema, _ = column(*range(5000), "x")
    assert schema["type"] == ["string", "null"]


def test_all_columns_are_nullable_but_the_key() -> None:
    schema = infer_schema([{"id": "a", "x": "b"}]).schema(["id"])
    assert schema["properties"]["id"]["type"] == ["string"]
    assert schema["properties"]["x"]["type"] == ["string", "null"]
    assert schema["required"] == ["id"]


def test_an_empty_account_has_the_key_column() -> None:
    assert list(infer_schema([]).schema(["id"])["properties"]) == ["id"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2026-03-31 16:23:53", "2026-03-31T14:23:53Z"),
        ("2026-12-31T16:23:53.5", "2026-12-31T15:23:53.500000Z"),
        ("0000-00-00 00:00:00", None),
        ("", None),
        # It occurs twice; the first is meant.
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
    ],
)
def test_a_known_zone_makes_a_timestamp_of_text(value: str, sent: str | None) -> None:
    columns = infer_schema([{"x": value}, {"x": "2026-01-01 00:00:00"}], ZoneInfo("Europe/Paris"))
    assert columns.schema([])["properties"]["x"]["format"] == "date-time"
    assert columns.conversions()["x"](value) == sent


def test_moments_with_and_without_an_offset_do_not_agree() -> None:
    values = [{"x": "2026-03-31 16:23:53"}, {"x": "2026-03-31T16:23:53Z"}]
    columns = infer_schema(values, ZoneInfo("Europe/Paris"))
    assert columns.schema([])["properties"]["x"] == {"type": ["string", "null"]}
    assert "x" not in columns.conversions()


def test_a_column_that_no_record_shows_keeps_its_earlier_type() -> None:
    earlier = {"id": {"type": ["integer"]}, "updated": {"type": ["string", "null"]}}
    schema = infer_schema([]).schema(["id"], earlier)
    assert schema["properties"] == earlier
