"""Pages as no service should send them, as text: what JSON allows and decoders read differently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tap_kizen.rows.columns import Field, name_columns
from tap_kizen.rows.values import FIELD_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: A field of each type, one of a type that is new, and the times of a record.
FIELDS = [
    *(Field(f"{kind}-é 1", kind, kind) for kind in (*FIELD_TYPES, "new")),
    Field("made", "created", "datetime"),
    Field("changed", "updated", "datetime"),
]
COLUMNS = name_columns(sorted(FIELDS))

_SPACE = st.sampled_from([""] * 8 + [" ", "\n", "\r", "\r\n\t"])

TEXTS = (
    "null", "true", "false", "0", "-0", "7", "1.5", "1.10", "12.0", "1e3", "1E400", "-1.5e-9",
    "0.30000000000000004441", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "12345678901234567890123", "9" * 400, "-" + "9" * 5_000, "1e999999",
    '""', '"text"', '"12"', '" 1.50 "', '"NaN"', '"true"',
    '"12345678901234567.89"', r'"\u0041\/\""', r'"\ud83d\ude00"', r'"\u0000"', r'"two\nlines"',
    '"é \u2028 \x7f"', '"2026-03-31"', '"2026-03-31T16:23:53"', '"2026-03-31T16:23:53-05:00"',
    '"2026-03-31 16:23:53.1234567Z"', '"0001-01-01T00:00:00+05:00"',
    r'"2026-03-31T16:23:53\u005a"',
)  # fmt: skip
#: JSON in the eyes of some.
LENIENT_TEXTS = (r'"half \ud800"', "NaN", "-Infinity")
SCALARS = st.sampled_from(TEXTS * 4 + LENIENT_TEXTS)
IDS = st.sampled_from([*(f'"{letter}"' for letter in "abcdefgh"), '"h"', "null", "7"])
KEYS = st.sampled_from(
    ["id", "name", "code", "value", r"val\u0075e", "amount", "currency", "symbol", "first_name", ""]
)


@st.composite
def objects(draw: st.DrawFn, members: st.SearchStrategy[list[tuple[str, str]]]) -> str:
    """Return the text of an object; keys may be escaped, and come twice."""
    written = [
        f'{draw(_SPACE)}"{key}"{draw(_SPACE)}:{draw(_SPACE)}{value}{draw(_SPACE)}'
        for key, value in draw(members)
    ]
    return "{" + ",".join(written) + "}"


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.tuples(st.lists(inner, max_size=3), _SPACE).map(
        lambda pair: f"[{pair[1]}{','.join(pair[0])}]"
    )
    return lists | objects(st.lists(st.tuples(KEYS, inner), max_size=4))


VALUES = st.recursive(SCALARS, _nested, max_leaves=6)

USUAL: Mapping[str, str] = {
    "checkbox": "true",
    "checkboxes": '[{"id":"o","code":"gold","name":"Gold"}]',
    "choices": '{"id":"o","code":"gold","name":"Gold"}',
    "date": '"2026-03-31"',
    "datetime": '"2026-03-31T16:23:53.231165-05:00"',
    "decimal": "1.5",
    "dropdown": '{"id":"o","code":"gold","name":"Gold"}',
    "dynamictags": '[{"id":"t","name":"vip"}]',
    "files": "[]",
    "integer": "12",
    "money": '{"currency":"EUR","symbol":"€","amount":"19.90"}',
    "radio": '{"id":"o","code":"gold","name":"Gold"}',
    "rating": "5",
    "relationship": '{"id":"p","first_name":"Ana","last_name":"Silva","email":"a@example.org"}',
    "selector": '[{"id":"c","name":"Acme"}]',
    "status": '{"id":"o","code":"gold","name":"Gold"}',
    "team_selector": '{"id":"c","name":"Acme"}',
    "yesnomaybe": '{"id":"o","code":"gold","name":"Gold"}',
}
_ENTRY = '{{"id":{id},"name":{name},"field_type":{type},"display_name":"…","value":{value}}}'


def entry(field: Field, value: str) -> str:
    """Return the text of a field's entry in a record."""
    words = {"id": field.id, "name": field.name, "type": field.field_type}
    return _ENTRY.format(value=value, **{key: json.dumps(word) for key, word in words.items()})


def every_value(field: Field) -> list[str]:
    """Return texts for a field's value: each of `TEXTS`, and nearly what its type has."""
    usual = USUAL.get(field.field_type, '"text"')
    members = [f'{{"id":"i","code":"c","name":"n","more":{text}}}' for text in TEXTS[:10]]
    members += [f'{{"id":{text},"name":{text}}}' for text in TEXTS]
    members += [f'{{"amount":{text},"currency":{text}}}' for text in TEXTS]
    return [
        *TEXTS,
        *(f"[{text}]" for text in TEXTS),
        *(f'{{"value":{text}}}' for text in (usual, *TEXTS)),
        *members,
        *(f"[{text}]" for text in members),
        f"[{usual},\n{usual}]",
        '{"value":1,"value":2}',
        '[{"value":{"id":"i"}}]',
        "[]",
        "{}",
    ]


def _unusual(field: Field) -> st.SearchStrategy[str]:
    """Return texts for the entry of a field that are, mostly, not as its type has it."""
    usual = USUAL.get(field.field_type, '"text"')
    members = st.lists(st.tuples(KEYS, SCALARS), max_size=3)
    values = (
        VALUES
        | SCALARS
        # Nearly as usual: a member more, or wrapped.
        | objects(members.map(lambda more: [("value", usual), *more]))
        | objects(members.map(lambda more: [("id", '"i"'), ("name", '"n"'), *more]))
        | st.just(f"[{usual}]")
    )
    others = st.sampled_from(['{"field_type":"x","value_summary":{"count":3}}', '{"id":"u"}'])
    return values.map(lambda value: entry(field, value)) | VALUES | others


@st.composite
def _entries(draw: st.DrawFn, fields: Sequence[Field]) -> str:
    """Return the text of a record's fields: one of them unusual, at most."""
    members = [
        (field.id, entry(field, USUAL.get(field.field_type, '"text"')))
        for field in draw(st.lists(st.sampled_from(fields), max_size=4))
    ]
    odd = draw(st.sampled_from(fields))
    members += draw(
        st.lists(st.tuples(st.just(odd.id), _unusual(odd)), max_size=1)
        | st.lists(st.tuples(st.just("unheard"), VALUES), max_size=1)
    )
    return draw(objects(st.just(members)))


def records_of(fields: Sequence[Field]) -> st.SearchStrategy[str]:
    """Return texts of records with these fields."""
    others = st.tuples(st.sampled_from(["access", "object_type", "additional_fields"]), VALUES)
    members = st.tuples(
        IDS.map(lambda text: ("id", text)),
        _entries(fields).map(lambda text: ("fields", text)),
    )
    return objects(
        st.tuples(members, st.lists(others, max_size=3)).map(lambda pair: [*pair[0], *pair[1]])
    )


def _companies() -> st.SearchStrategy[str]:
    texts = st.sampled_from(["name", "email", "mobile_phone", "unheard", "additional_fields"])
    lists = st.sampled_from(["addresses", "tags", "domains"])
    moments = st.sampled_from(
        ["null", '"2026-03-31T16:23:53.231165-05:00"', '"2026-03-31T16:23:53Z"', '"soon"', "5"]
    )
    inner = st.lists(VALUES, max_size=2).map(lambda items: f"[{','.join(items)}]")
    member = (
        st.tuples(texts, SCALARS)
        | st.tuples(lists, inner | VALUES)
        | st.tuples(st.just("created"), moments)
        | st.tuples(
            st.just("custom_fields"), objects(st.lists(st.tuples(KEYS, VALUES), max_size=3))
        )
    )
    return objects(
        st.tuples(IDS, st.lists(member, max_size=7)).map(lambda pair: [("id", pair[0]), *pair[1]])
    )


COMPANIES = _companies()


def page_of(records: Iterable[str]) -> bytes:
    """Return the text of a page."""
    return f'{{"next": null, "results": [{",".join(records)}]}}'.encode()
