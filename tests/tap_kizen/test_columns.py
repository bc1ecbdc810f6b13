"""Names of columns are predictable, and no two are equal."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tap_kizen.rows.columns import Field, fields_of, name_columns, schema_of
from tap_kizen.rows.values import FIELD_TYPES


def names(*fields: Field) -> dict[str, tuple[str, ...]]:
    return {each.field.id: each.names for each in name_columns(sorted(fields))}


def test_a_field_with_parts_gives_a_column_per_part() -> None:
    assert names(Field("f1", "fee", "money"), Field("f2", "level", "dropdown")) == {
        "f1": ("fee_amount", "fee_currency", "fee_symbol"),
        "f2": ("level_id", "level_code", "level_name"),
    }


def test_a_plain_field_keeps_its_name_beside_a_part_of_the_same_name() -> None:
    found = names(Field("aaaaaaaa-1", "fee", "money"), Field("f2", "fee_amount", "text"))
    assert found == {
        "aaaaaaaa-1": ("fee_amount_aaaaaaaa", "fee_currency_aaaaaaaa", "fee_symbol_aaaaaaaa"),
        "f2": ("fee_amount",),
    }


def test_names_that_differ_by_case_are_told_apart() -> None:
    found = names(Field("aaaaaaaa-1", "City", "text"), Field("bbbbbbbb-2", "city", "text"))
    assert found == {"aaaaaaaa-1": ("City",), "bbbbbbbb-2": ("city_bbbbbbbb",)}


def test_reserved_names_are_given_to_no_field() -> None:
    found = names(Field("aaaaaaaa-1", "ID", "text"), Field("bbbbbbbb-2", "updated", "text"))
    assert found == {"aaaaaaaa-1": ("ID_aaaaaaaa",), "bbbbbbbb-2": ("updated_bbbbbbbb",)}


def test_the_loader_s_names_are_given_to_no_field() -> None:
    found = names(
        Field("aaaaaaaa-1", "_sdc_deleted_at", "datetime"),
        Field("bbbbbbbb-2", "_SDC_Sequence", "text"),
        Field("cccccccc-3", "_sdc_other", "text"),
    )
    assert found == {
        "aaaaaaaa-1": ("_sdc_deleted_at_aaaaaaaa",),
        "bbbbbbbb-2": ("_SDC_Sequence_bbbbbbbb",),
        "cccccccc-3": ("_sdc_other",),
    }


def test_the_times_are_lifted() -> None:
    schema = schema_of(
        name_columns([Field("f1", "zip", "text"), Field("f2", "updated", "datetime")])
    )
    assert list(schema["properties"]) == ["id", "created", "updated", "zip", "additional_fields"]


def test_of_two_times_of_one_name_the_first_is_lifted() -> None:
    found = names(Field("aaaaaaaa-1", "updated", "datetime"), Field("b", "updated", "datetime"))
    assert found == {"aaaaaaaa-1": ("updated",), "b": ("updated_b",)}


def test_fields_that_cannot_be_told_apart_are_left_out() -> None:
    assert fields_of([{"id": "f"}, {"name": "n"}, {"id": "f", "name": ""}]) == []


FIELDS = st.lists(
    st.builds(
        Field,
        id=st.uuids().map(str),
        name=st.sampled_from(["a", "A", "a_id", "A_name", "a_amount", "created", "id"]),
        field_type=st.sampled_from([*FIELD_TYPES, "new"]),
    ),
    max_size=12,
    unique_by=lambda field: field.id,
)


@given(fields=FIELDS, seed=st.integers())
def test_names_are_unique_and_do_not_depend_on_the_order(fields: list[Field], seed: int) -> None:
    columns = name_columns(sorted(fields))
    lowered = [name.lower() for each in columns for name in each.names]
    assert len(lowered) == len(set(lowered))
    assert not {"id", "additional_fields"} & set(lowered)
    Random(seed).shuffle(fields)  # noqa: S311
    assert name_columns(sorted(fields)) == columns
