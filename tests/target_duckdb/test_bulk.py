"""Records staged many at a time give the table that they give one by one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from target_duckdb.bulk import BulkStager, Staged, is_one_per_line
from target_duckdb.codec import Codec
from target_duckdb.column_types import TypeOptions
from target_duckdb.errors import RecordError
from tests.target_duckdb.helpers import lines, load, query, record, schema
from tests.target_duckdb.test_properties import loaded, streams

NAMED: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {
        "type": ["object", "null"],
        "properties": {"id": {"type": ["string", "null"]}, "n": {"type": ["number", "null"]}},
        "additionalProperties": True,
    },
}
PROPERTIES: dict[str, Any] = {
    "id": {"type": "string"},
    "object": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"]},
    "named": NAMED,
    "any": {},
    "either": {"type": ["object", "string", "null"]},
    "real": {"type": ["number", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "clock": {"type": ["string", "null"], "format": "time"},
    "money": {"type": ["number", "null"], "multipleOf": 0.01},
}
CONTROLS = "".join(map(chr, range(32)))
# Members of the record that begins with an id, as JSON.
VALUES = [
    '"object": {"a": 1.5, "b": [0.1, -0.0, 100.0, 0.0001, 123456789.125]}',
    '"object": {"a": 1.50, "b": 1e5, "c": 1E+2, "d": 0.1234567890123456789}',
    '"object": {"a": 9007199254740993.0, "b": 1e-7, "c": 123456789012345678901234567890}',
    '"object": {"a": 18446744073709551615, "b": 18446744073709551616, "c": -9223372036854775809}',
    '"object": {"a": 1, "b": 2, "a": 3}',
    '"object": {"a": {"x": 1, "x": {"y": 1, "y": 2}}}',
    '"object": {"a" : [ 1 ,\t2 ] }',
    '"object": {"": "", "é\\u00e9": "\\ud83d\\ude00 \\u2028 \\/ \\u007f"}',
    f'"object": {{"a": {json.dumps(CONTROLS)}, {json.dumps(CONTROLS)}: 1}}',
    '"object": {"a": "C:\\\\u000b"}',
    '"object": {}, "list": [], "named": []',
    '"object": null, "list": null, "named": null',
    '"list": [[], {}, null, true, "x", 1, [[[1.0]]]]',
    '"list": [' + "[" * 200 + "]" * 200 + "]",
    '"named": [{"id": "x", "more": [1.10]}, null, {"n": 1.10, "other": {"a": 1, "a": 2}}]',
    '"any": "text"',
    '"any": "1.50"',
    '"any": 1.50',
    '"any": [1.50]',
    '"any": {"a": "1.50"}',
    '"any": true',
    '"any": null',
    '"either": "{\\"a\\": 1}"',
    '"either": {"a": 1.10}',
    '"real": 0.1, "moment": "2024-05-06T07:08:09.1234567+02:00"',
    '"real": 1.0000000000000000001',
    '"moment": "2024-05-06T07:08:09", "clock": "23:30:00-02:00", "money": 12.30',
    '"id": "second"',
    '"object": {"a": false}',
]  # fmt: skip


# Of these, lines without spaces in the order of the schema come out as they went in.
PLAIN: dict[str, Any] = {
    "id": {"type": "string"},
    "named": {
        "type": ["array", "null"],
        "items": {
            "type": ["object", "null"],
            "properties": {"id": {"type": ["string", "null"]}, "n": {"type": ["integer", "null"]}},
            "additionalProperties": True,
        },
    },
    "free": {"type": ["object", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "text": {"type": ["string", "null"]},
    "real": {"type": ["number", "null"]},
}
UNCHANGED = [
    '"named":[{"id":"x","n":1},null,{"id":null}],"free":{"a":{"b":[1,"é",1.5]}}',
    '"named":[],"free":{},"moment":"2024-05-06T07:08:09.123456Z","text":"a}\\n{\\"b\\":1}","real":1.5',
    '"named":null,"free":null,"moment":null,"text":null,"real":null',
    '"moment":"2024-05-06T07:08:09-06:00","text":"\u2028 C:\\\\x"',
]
CHANGED = [
    '"text":"C:\\\\u0001"',
    '"named":[{"n":1,"id":"x"}]',
    '"named":[{"id":"x","id":"y"}]',
    '"named":[{"id":"x","more":{"a":1,"b":2,"a":3}}]',
    '"named":[{"id":"x","n":1,"":"unnamed"}]',
    '"named":[ {"id":"x"}]',
    '"named":[{"id":"\\u0001 \\u000b","n":-0}]',
    '"named":[{"id":"\\u00e9\\/"}]',
    '"named":[{"n":1.0}]',
    '"named":[{"n":1e2}]',
    '"free":{"a":1,"b":2,"a":3}',
    '"free":{"a":{"b":1,"b":2},"c":[{"d":1,"d":2}]}',
    '"free":{"a":1.50,"b":1e5,"c":0.1234567890123456789}',
    '"free":{"a":123456789012345678901234567890,"b":1e-7,"c":-0.0}',
    '"free":{"a":"\\u0000"}',
    '"free":{"b":1},"named":[]',
    '"text":"a","text":"b"',
    '"text":null,"text":"b","real":1.50',
    '"moment":"2024-05-06 07:08:09.1234567+02:00"',
    '"moment":"2024-05-06t07:08:09z"',
    '"real":1.0000000000000000001',
    '"real":1E5',
    '"id":"again"',
    '"text":"\\ud83d\\ude00"',
]


def rows(path: Path) -> list[tuple[Any, ...]]:
    return query(path, "SELECT COLUMNS(*)::VARCHAR FROM items ORDER BY rowid")


@pytest.mark.parametrize("version", [None, 7])
def test_both_ways_give_the_same_text(tmp_path: Path, version: int | None) -> None:
    records = [f'{{"id": "{n}", {value}}}' for n, value in enumerate(VALUES)]
    codec = codec_of(PROPERTIES)
    for text in records:
        assert codec.stage_lines(text.encode(), {}, bytearray()) is not None, text
    begin = schema(PROPERTIES, ["id"])
    found = []
    # A space before the end of a line is nothing to JSON, but unusual.
    for name, space in (("many", ""), ("single", " ")):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(f"{text}{space}\n" for text in records))
        batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
        path = tmp_path / f"{name}.duckdb"
        load(path, [begin, {**batch, "manifest": [file.as_uri()], "version": version}])
        found.append(rows(path))
        more = "" if version is None else f', "version": {version}'
        messages = [
            f'{{"type": "RECORD", "stream": "items", "record": {text}{more}}}{space}'
            for text in records
        ]
        other = tmp_path / f"{name}-messages.duckdb"
        load(other, [begin, *messages])
        found.append(rows(other))
    assert len(found[0]) == len(VALUES)
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.parametrize("version", [None, 7])
@pytest.mark.parametrize("together", [True, False])
def test_lines_that_come_out_as_they_went_in_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int | None, *, together: bool
) -> None:
    monkeypatch.setattr("target_duckdb.bulk._MISSES", 1_000)
    texts = [f'{{"id":"{n}",{value}}}' for n, value in enumerate(UNCHANGED + CHANGED)]
    batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
    found = []
    for space in ("", " "):
        files = [texts] if together else [[text] for text in texts]
        manifest = []
        for number, part in enumerate(files):
            file = tmp_path / f"{number}{space}.jsonl"
            file.write_text("".join(f"{text}{space}\n" for text in part))
            manifest.append(file.as_uri())
        path = tmp_path / f"test{space}.duckdb"
        load(path, [schema(PLAIN, ["id"]), {**batch, "manifest": manifest, "version": version}])
        found.append(rows(path))
    assert len(found[0]) == len(texts)
    assert found[0] == found[1]
    assert ("6", '[{"id":"y"}]') in [row[:2] for row in found[0]]


def test_lines_that_come_out_as_they_went_in_are_decoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = codec_of(PLAIN)
    line = [f'{{"id":"{n}",{value}}}\n'.encode() for n, value in enumerate(UNCHANGED)]

    def never(*_: object) -> None:
        raise AssertionError

    staged = bytearray()
    monkeypatch.setattr(BulkStager, "_staged", never)
    metadata = {"_sdc_table_version": 7}
    assert codec.stage_lines(b"".join(line), metadata, staged) == (len(line), False)
    assert codec.stage_lines(line[0].rstrip(), {}, staged) == (1, False)
    assert bytes(staged).splitlines(keepends=True) == [
        *(text.replace(b"}\n", b',"_sdc_table_version":7}\n') for text in line),
        line[0],
    ]
    for n, value in enumerate(CHANGED):
        with pytest.raises(AssertionError):
            codec_of(PLAIN).stage_lines(f'{{"id":"{n}",{value}}}\n'.encode(), {}, staged)


@pytest.mark.parametrize(
    "lines_",
    [
        b'{"id":"a"} {"id":"b"}\n',
        b'{"id":"a"}{"id":"b"}\n',
        b'{"id":"a"}\n\n{"id":"b"}\n',
        b'{"id":"a"}\r\n{"id":"b"}\n',
        b'{"id":"a"},\n',
    ],
)
def test_line_ends_are_part_of_what_is_compared(
    monkeypatch: pytest.MonkeyPatch, lines_: bytes
) -> None:
    staged = bytearray()
    monkeypatch.setattr(BulkStager, "_staged", lambda *_: (b"", Staged(-1, has_texts=False)))
    assert codec_of(PLAIN).stage_lines(lines_, {}, staged) is None
    assert staged == b""


def test_a_service_that_writes_otherwise_is_soon_known() -> None:
    codec = codec_of(PLAIN)
    for _ in range(20):
        assert codec.stage_lines(b'{"id": "a"}\n', {}, bytearray()) is not None
    assert codec._bulk._ways == []  # noqa: SLF001


OPEN: dict[str, Any] = {
    "id": {"type": "string"},
    "list": {"type": ["array", "null"]},
    "object": {"type": ["object", "null"]},
    "sure": {"type": "object"},
    "both": {"type": ["object", "array", "null"]},
}
USUAL = (
    '"list":[{"id":"x","n":1,"on":true,"in":[{"a":"b"},null]},null,"text"],'
    '"object":{"a":{"b":"c","n":null},"list":[],"none":null},"sure":{"a":1},"both":{"a":{"b":2}}'
)
LIKE_IT = [
    USUAL,
    '"list":[{"id":2,"n":"1","on":null,"in":[{"a":false}]}],"object":{"none":{"any":[1.5,{}]}}',
    '"list":[],"object":{"list":[1.5,{"x":1}]},"sure":{},"both":null',
    '"list":null,"object":{"a":{"n":-9223372036854775808},"none":"C:\\\\x"}',
    '"both":{"a":7}',
]
UNLIKE_IT = [
    '"list":[{"n":1,"id":"x"}]',
    '"list":[{"id":"x","id":"y"}]',
    '"list":[{"id":"x","other":1}]',
    '"list":[{"id":{"a":1},"n":[1]}]',
    '"list":[{"id": "x"}]',
    '"list":[{"n":123456789012345678901234567890}]',
    '"list":[{"n":18446744073709551615}]',
    '"list":[{"n":1.0}]',
    '"list":[{"n":1.50}]',
    '"list":[{"n":1.5}]',
    '"list":[{"n":1e2}]',
    '"list":[{"n":-0}]',
    '"list":[{"id":"\\u0001 \\u00e9\\/"}]',
    '"object":{"a":{"b":1,"b":2}}',
    '"object":{"none":{"x":1,"x":2}}',
    '"object":{"none":{"x":1.50,"y":1e5}}',
    '"object":{"":1,"\\"":2}',
    '"both":[{"a":1}]',
    '"both":[]',
]


@pytest.mark.parametrize("usual", [USUAL, '"list":[{"\\"":1}],"sure":{"":{"a":1}}', '"list":[1.5]'])
def test_what_the_schema_leaves_open_is_read_as_before_or_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: str
) -> None:
    monkeypatch.setattr("target_duckdb.bulk._MISSES", 1_000)
    values = [usual, usual, *LIKE_IT, *UNLIKE_IT]
    found = []
    for space in ("", " "):
        manifest = []
        for number, value in enumerate(values):
            file = tmp_path / f"{number}{space}.jsonl"
            file.write_text(f'{{"id":"{number}",{value}}}{space}\n')
            manifest.append(file.as_uri())
        path = tmp_path / f"test{space}.duckdb"
        batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
        load(path, [schema(OPEN, ["id"]), {**batch, "manifest": manifest}])
        found.append(rows(path))
    assert len(found[0]) == len(values)
    assert found[0] == found[1]


def test_what_the_schema_leaves_open_is_decoded_as_it_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = codec_of(OPEN)
    line = f'{{"id":"x",{USUAL}}}\n'.encode()
    for _ in range(2):
        assert codec.stage_lines(line, {}, bytearray()) == (1, False)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(BulkStager, "_staged", never)
    for value in LIKE_IT:
        staged = bytearray()
        text = f'{{"id":"x",{value}}}\n'.encode()
        assert codec.stage_lines(text, {}, staged) == (1, False)
        assert staged == text
    for value in UNLIKE_IT:
        with pytest.raises(AssertionError):
            codec.stage_lines(f'{{"id":"x",{value}}}\n'.encode(), {}, bytearray())


@pytest.mark.parametrize(
    "unusual",
    ['"list":"text"', '"list":{}', '"sure":null', '"sure":[]', '"both":"text"', '"both":1'],
)
def test_what_was_there_before_allows_nothing_that_the_schema_forbids(unusual: str) -> None:
    codec = codec_of(OPEN)
    line = f'{{"id":"x",{USUAL}}}\n'.encode()
    for _ in range(3):
        assert codec.stage_lines(line, {}, bytearray()) == (1, False)
    assert codec.stage_lines(f'{{"id":"x",{unusual}}}\n'.encode(), {}, bytearray()) is None


@pytest.mark.parametrize("properties", [OPEN, PLAIN])
def test_members_may_come_in_any_order_that_stays(
    monkeypatch: pytest.MonkeyPatch, properties: dict[str, Any]
) -> None:
    codec = codec_of(properties)
    names = [name for name in reversed(properties) if name != "moment"]
    values = {"id": '"x"', "text": '"y"', "real": "1", "free": "{}", "object": "{}", "sure": "{}"}
    members = [f'"{name}":{values.get(name, "[]")}' for name in names]
    line = f"{{{','.join(members)}}}\n".encode()
    for _ in range(2):
        assert codec.stage_lines(line, {}, bytearray()) == (1, False)
    monkeypatch.setattr(BulkStager, "_staged", lambda *_: (b"", Staged(-1, has_texts=False)))
    staged = bytearray()
    assert codec.stage_lines(line, {}, staged) == (1, False)
    assert staged == line
    other = f"{{{','.join(reversed(members))}}}\n".encode()
    # In the order of the schema, if that says what is in its values.
    assert (codec.stage_lines(other, {}, staged) is None) == (properties is OPEN)


def test_objects_of_very_many_names_and_very_deep_ones() -> None:
    codec = codec_of(OPEN)
    inner = ",".join(f'"{number}":{{"a":{number}}}' for number in range(1000))
    deep = "[" * 50 + "]" * 50
    line = f'{{"id":"x","list":{deep},"object":{{{inner}}}}}\n'.encode()
    for _ in range(4):
        staged = bytearray()
        assert codec.stage_lines(line, {}, staged) == (1, False)
        assert staged == line


@given(stream=streams())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_give_the_same_rows(
    stream: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    properties, records = stream
    begin = schema(properties, ["key"])
    found = []
    with tempfile.TemporaryDirectory() as name:
        for end in (b"\n", b" \n"):
            file = Path(name) / "batch.jsonl"
            file.write_bytes(lines(records).replace(b"\n", end))
            batch = {"type": "BATCH", "stream": "items", "encoding": {"format": "jsonl"}}
            found.append(repr(loaded([begin, {**batch, "manifest": [file.as_uri()]}])))
    assert found[0] == found[1]


def codec_of(properties: dict[str, Any], **others: Any) -> Codec:
    message = schema(properties, ["id"], **others)
    return Codec(
        message["schema"],
        ["id"],
        TypeOptions(),
        validate=True,
        metadata=frozenset({"_sdc_table_version"}),
        warn=lambda _: None,
    )


@pytest.mark.parametrize(
    "unusual",
    [
        '{"id": 1}',
        '{"id": null}',
        "{}",
        '{"id": "x", "named": [{"id": 1}]}',
        '{"id": "x", "named": [1]}',
        '{"id": "x", "named": {}}',
        '{"id": "x", "object": []}',
        '{"id": "x", "real": "1"}',
        '{"id": "x", "real": 1e400}',
        '{"id": "x", "money": 1.005}',
        '{"id": "x", "moment": "yesterday"}',
        '{"id": "x", "unknown": 1}',
        '{"id": "x", "object": {"a": NaN}}',
        '{"id": "x", "object": {"a": "\\ud800"}}',
        '{"id": "x"',
        '{"id": "x"} {"id": "y"}',
        '{"id":\n"x"}',
        '[{"id": "x"}]',
        '{"id": "x"}\n',
        '{"id": "x", "object": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}",
    ],
)
def test_nothing_is_staged_where_one_is_unusual(unusual: str) -> None:
    codec = codec_of(PROPERTIES)
    staged = bytearray(b"before")
    text = f'{{"id": "a"}}\n{unusual}\n{{"id": "b"}}\n'
    assert codec.stage_lines(text.encode(), {}, staged) is None
    assert staged == b"before"
    assert codec.stage_lines(b'{"id": "a"}\n{"id": "b"}\n', {}, staged) == (2, False)


def test_line_breaks_that_only_seem_to_separate() -> None:
    two_and_a_half = b'{"id": "a"} {"id": "b"}\n{"id":\n"c"}\n'
    assert codec_of(PROPERTIES).stage_lines(two_and_a_half, {}, bytearray()) is None
    assert is_one_per_line(b'{"a": "}\\n{"}\n{}', 2)
    assert not is_one_per_line(b"{} {}\n", 2)


def test_a_property_the_schema_lacks_is_unusual_once() -> None:
    codec = codec_of(PROPERTIES)
    line = b'{"id": "a", "unknown": 1}\n'
    assert codec.stage_lines(line, {}, bytearray()) is None
    codec.stage(line, {}, bytearray())
    assert codec.stage_lines(line * 2, {}, bytearray()) == (2, False)


def test_one_bad_record_among_many_messages(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [record({"id": str(n)}) for n in range(1000)]
    messages[700] = record({"id": 700})
    with pytest.raises(RecordError, match=r"stream 'items', line 702: .*expected string"):
        load(path, [schema(PROPERTIES, ["id"]), *messages])
    load(path, [schema(PROPERTIES, ["id"]), *messages], on_invalid_record="quarantine")
    assert query(path, "SELECT count(*) FROM items") == [(999,)]
    assert query(path, "SELECT line_number FROM _quarantine") == [(702,)]
