"""A JSON text is read the same however it comes in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kananas.response.json_stream import MAX_VALUE_CHARACTERS, JsonStream, JsonStreamError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
FINITE = SCALARS.filter(lambda value: value not in (float("inf"), float("-inf")))
VALUES = st.recursive(
    FINITE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def written(value: Any, *, escaped: bool, indented: bool) -> str:
    return json.dumps(value, ensure_ascii=escaped, indent=1 if indented else None)


@given(value=VALUES, size=st.integers(1, 9), escaped=st.booleans(), indented=st.booleans())
def test_pieces_make_no_difference(*, value: Any, size: int, escaped: bool, indented: bool) -> None:
    pieces = cut(written(value, escaped=escaped, indented=indented), size)
    text = JsonStream(pieces)
    assert text.value() == value
    assert text.peek() == ""
    text = JsonStream(pieces)
    text.skip()
    assert text.peek() == ""


@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(1, 9), st.data())
def test_a_text_that_breaks_off_is_told_from_a_broken_one(
    value: list[Any], size: int, data: st.DataObject
) -> None:
    whole = json.dumps(value)
    end = data.draw(st.integers(1, len(whole) - 1))
    for reading in (JsonStream.value, JsonStream.skip):
        with pytest.raises(JsonStreamError) as caught:
            reading(JsonStream(cut(whole[:end], size)))
        assert caught.value.truncated


@pytest.mark.parametrize(
    ("text", "position"),
    [('{"a":1,}', 7), ("[1 2]", 3), ("{a:1}", 1), ("[tru]", 1), ("[1,,2]", 3), ("[" * 100_000, 0)],
)
def test_a_broken_text_says_where(text: str, position: int) -> None:
    with pytest.raises(JsonStreamError) as caught:
        JsonStream(cut(text, 4096)).value()
    assert not caught.value.truncated
    assert caught.value.position == position


def test_what_json_cannot_say_keeps_its_spelling() -> None:
    digits = "9" * 5000
    text = JsonStream([f'[NaN, -Infinity, 1e400, -0.10e-999999, -0.0E9, {digits}, "a\tb"]'])
    assert text.value() == ["NaN", "-Infinity", "1e400", "-0.10e-999999", 0, digits, "a\tb"]


@pytest.mark.parametrize(
    "lost",
    ["1234567890123456.78", "9007199254740993.0", "0.12345678901234567890", "4.9e-324", "1e-330"],
)
def test_a_number_that_no_double_holds_keeps_its_digits(lost: str) -> None:
    assert JsonStream([f'[{lost}, {{"a": -{lost}}}]']).value() == [lost, {"a": f"-{lost}"}]


@pytest.mark.parametrize(
    "held",
    [
        "1.10",
        "1e3",
        "123456789012345.60",
        "0.10000000000000001",  # how PHP writes 0.1 with all of its 17 digits
        "48.856614123456787",
        "9007199254740992.0",
        "5e-324",
        "2.2250738585072014e-308",
        "0.1000000000000000055511151231257827021181583404541015625",
        "0.0000000000000000000000",
    ],
)
def test_a_number_that_a_double_holds_is_one(held: str) -> None:
    assert JsonStream([f"[{held}]"]).value() == [float(held)]
    assert type(JsonStream([f"[{held}]"]).value()[0]) is float


def test_a_value_without_an_end_does_not_fill_the_memory() -> None:
    served = 0

    def pieces() -> Any:
        nonlocal served
        yield '["'
        while True:
            served += 1
            yield "x" * 1024 * 1024

    with pytest.raises(JsonStreamError, match="a value of more than"):
        JsonStream(pieces()).value()
    assert served <= 4 * MAX_VALUE_CHARACTERS // 2**20
