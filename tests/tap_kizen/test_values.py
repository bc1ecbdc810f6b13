"""Every shape of a value lands in its columns, and what does not fit is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_kizen.rows.shapes import kinds
from tap_kizen.rows.values import FIELD_TYPES, UNKNOWN

EURO = {"currency": "EUR", "symbol": "€"}
PERSON = {"id": "p", "first_name": "Ana", "last_name": "Silva", "email": "ana@example.org"}
OPTION = {"id": "o", "code": "gold", "name": "Gold"}


@pytest.mark.parametrize(
    ("field_type", "value", "columns"),
    [
        ("text", "Zoë", ("Zoë",)),
        ("text", "", ("",)),
        ("longtext", {"value": {"value": "deep"}}, ("deep",)),
        ("phonenumber", 33123456789, ("33123456789",)),
        ("email", ["one@example.org"], ("one@example.org",)),
        ("integer", "12", (12,)),
        ("integer", 2**53 + 1, (2**53 + 1,)),
        ("integer", str(2**53 + 1), (2**53 + 1,)),
        ("rating", f"{2**63 - 1}.0", (2**63 - 1,)),
        ("decimal", 2**60, (2**60,)),
        ("integer", 12.0, (12,)),
        ("rating", 5, (5,)),
        ("decimal", 1.5, (1.5,)),
        ("decimal", "1.50", (Decimal("1.50"),)),
        ("money", {**EURO, "amount": "19.90"}, (Decimal("19.90"), "EUR", "€")),
        ("money", {**EURO, "amount": 19.9}, (19.9, "EUR", "€")),
        ("money", {**EURO, "amount": None}, (None, "EUR", "€")),
        ("money", 7, (7, None, None)),
        ("checkbox", True, (True,)),
        ("checkbox", "false", (False,)),
        ("date", "2026-03-31", ("2026-03-31",)),
        ("datetime", "2026-03-31T16:23:53.231165-05:00", ("2026-03-31T21:23:53.231165Z",)),
        ("dropdown", OPTION, ("o", "gold", "Gold")),
        ("radio", [OPTION], ("o", "gold", "Gold")),
        ("status", "Gold", (None, None, "Gold")),
        ("yesnomaybe", {"value": OPTION}, ("o", "gold", "Gold")),
        ("checkboxes", [OPTION, OPTION], ([OPTION, OPTION],)),
        ("dynamictags", [{"id": "t", "name": "vip"}], ([{"id": "t", "name": "vip"}],)),
        ("files", [], ([],)),
        ("relationship", {"id": "c", "name": "Acme"}, ([{"id": "c", "name": "Acme"}], "c", "Acme")),
        ("relationship", [PERSON, PERSON], ([PERSON, PERSON], None, None)),
        ("team_selector", PERSON, ([PERSON], "p", "Ana Silva")),
        ("selector", [], ([], None, None)),
        ("choices", OPTION, ([OPTION], "o", "Gold")),
    ],
)
def test_a_value_fills_its_columns(field_type: str, value: Any, columns: tuple[Any, ...]) -> None:
    fit = FIELD_TYPES[field_type].fit(value)
    assert fit.values == columns
    assert fit.is_whole


@pytest.mark.parametrize(
    ("field_type", "value", "columns"),
    [
        ("text", {"html": "<b>"}, (None,)),
        ("text", ["two", "texts"], (None,)),
        ("integer", 1.5, (None,)),
        ("integer", True, (None,)),
        ("integer", 2**63, (None,)),
        ("integer", "many", (None,)),
        ("integer", 10**400, (None,)),
        ("integer", str(2**63), (None,)),
        ("integer", f"{2**53}.1", (None,)),
        ("integer", "1e999999999", (None,)),
        ("integer", "1e-999999999", (None,)),
        ("decimal", 2**53 + 1, (None,)),
        ("decimal", 10**400, (None,)),
        ("money", {**EURO, "amount": 2**53 + 1}, (None, "EUR", "€")),
        ("money", 10**400, (None, None, None)),
        ("decimal", "12345678901234567.89", (None,)),
        ("decimal", "NaN", (None,)),
        ("money", {**EURO, "amount": "a lot"}, (None, "EUR", "€")),
        ("money", {**EURO, "amount": 1, "taxed": True}, (1, "EUR", "€")),
        ("checkbox", "perhaps", (None,)),
        ("date", "31/03/2026", (None,)),
        ("date", "\ud800", (None,)),
        ("datetime", "soon", (None,)),
        ("datetime", "\ud800", (None,)),
        ("dropdown", [OPTION, OPTION], (None, None, None)),
        ("dropdown", {**OPTION, "colour": "red"}, ("o", "gold", "Gold")),
    ],
)
def test_what_fits_in_part_is_told(field_type: str, value: Any, columns: tuple[Any, ...]) -> None:
    fit = FIELD_TYPES[field_type].fit(value)
    assert fit.values == columns
    assert not fit.is_whole


def test_all_field_types_are_there() -> None:
    assert len(FIELD_TYPES) == 24


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["12", "1.5", "2026-01-01", "2026-01-01T00:00:00Z", "true"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "id", "code", "name", "amount", "currency", "first_name"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(field_type=st.sampled_from([*FIELD_TYPES, "new"]), value=JSON)
def test_whatever_comes_the_columns_keep_their_types(field_type: str, value: Any) -> None:
    kind = FIELD_TYPES.get(field_type, UNKNOWN)
    fit = kind.fit(value)
    for held, schema in zip(fit.values, kind.columns.values(), strict=True):
        plain = float(held) if isinstance(held, Decimal) else held
        assert type(plain) in kinds(schema)


@pytest.mark.parametrize("field_type", ["decimal", "integer", "money"])
@pytest.mark.parametrize(
    "number",
    [10**400, -(2**1024), Decimal("7" * 20_000), Decimal("1e999999"), "1e9999999999999999999"],
)
def test_a_number_beyond_its_column_is_told(field_type: str, number: Any) -> None:
    fit = FIELD_TYPES[field_type].fit(number)
    assert set(fit.values) == {None}
    assert not fit.is_whole


@pytest.mark.parametrize(
    ("number", "is_held"), [(2**53, True), (2**53 + 1, False), (-(2**60), True), (10**22, True)]
)
def test_an_integer_that_a_double_would_round_is_told(number: int, *, is_held: bool) -> None:
    fit = FIELD_TYPES["decimal"].fit(number)
    assert fit.is_whole is is_held
    assert fit.values == ((number,) if is_held else (None,))
