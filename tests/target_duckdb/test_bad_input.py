"""What cannot be loaded: one clear line and nothing of the flush, or the quarantine."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from target_duckdb.errors import BatchError, TargetError
from target_duckdb.message_errors import (
    MessageError,
    MissingKeyError,
    NoSchemaError,
    RecordError,
    SchemaError,
)
from tests.target_duckdb.helpers import (
    activate,
    command,
    lines,
    load,
    query,
    record,
    schema,
    state,
    tables,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "jane.doe@example.org"
NESTED = {
    "type": ["object", "null"],
    "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
    "required": ["n"],
}
PROPERTIES: dict[str, Any] = {
    "id": {"type": ["integer", "null"]},
    "text": {"type": ["string", "null"], "maxLength": 30},
    "number": {"type": ["number", "null"]},
    "money": {"type": ["number", "null"], "multipleOf": 0.01},
    "day": {"type": ["string", "null"], "format": "date"},
    "clock": {"type": ["string", "null"], "format": "time"},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "flag": {"type": "boolean"},
    "nested": NESTED,
    "list": {"type": ["array", "null"], "items": {"type": "string"}},
    "choice": {"type": ["string", "null"], "enum": ["a", "b", None]},
    "ranged": {"type": ["integer", "null"], "minimum": 0, "maximum": 10},
    "pattern": {"type": ["string", "null"], "pattern": "^x"},
    "any": {},
}
GOOD = {"id": 1, "flag": True}


def batch(form: str, *urls: Any) -> dict[str, Any]:
    return {"type": "BATCH", "stream": "s", "encoding": {"format": form}, "manifest": list(urls)}


def raw(text: str) -> str:
    return f'{{"type": "RECORD", "stream": "items", "record": {text}}}'


BAD = [
    (raw('{"flag": true}'), "the key property 'id' is missing"),
    (raw('{"id": null, "flag": true}'), "the key property 'id' is null"),
    (raw('{"id": 2}'), "the required property 'flag' is missing"),
    (raw('{"id": 2, "flag": null}'), "['flag']: expected boolean, got null"),
    (raw('{"id": 2, "flag": "true"}'), "['flag']: expected boolean, got string"),
    (raw('{"id": "2", "flag": true}'), "['id']: expected integer or null, got string"),
    (raw('{"id": 2.5, "flag": true}'), "['id']: expected integer or null, got number"),
    (raw('{"id": true, "flag": true}'), "['id']: expected integer or null, got boolean"),
    (raw(f'{{"id": {2**127}, "flag": true}}'), "does not fit into 128 bits"),
    (raw(f'{{"id": {-(2**127) - 1}, "flag": true}}'), "does not fit into 128 bits"),
    (raw('{"id": 1e999999999, "flag": true}'), "does not fit into 128 bits"),
    (raw('{"id": NaN, "flag": true}'), "['id']: expected integer or null, got number"),
    (raw('{"id": 2, "flag": true, "text": 5}'), "['text']: expected string or null, got integer"),
    (raw(f'{{"id": 2, "flag": true, "text": "{SECRET * 2}"}}'), "it breaks 'maxLength'"),
    (raw(r'{"id": 2, "flag": true, "text": "\ud800"}'), "'text': the text holds a lone surrogate"),
    (
        raw(r'{"id": 2, "flag": true, "any": {"\udfff": 1}}'),
        "'any': the text holds a lone surrogate",
    ),
    (raw('{"id": 2, "flag": true, "any": [NaN]}'), "'any': NaN and infinities are no JSON"),
    (raw('{"id": 2, "flag": true, "any": -Infinity}'), "'any': NaN and infinities are no JSON"),
    (raw('{"id": 2, "flag": true, "number": 1e400}'), "'number': the number is out of the range"),
    (raw('{"id": 2, "flag": true, "number": 1e9999999999999999999}'), "more than 18 digits"),
    (raw('{"id": 2, "flag": true, "any": [1e9999999999999999999]}'), "more than 18 digits"),
    (raw('{"id": 2, "flag": true, "number": "1"}'), "['number']: expected number or null"),
    (raw('{"id": 2, "flag": true, "money": 1.005}'), "['money']: it breaks 'multipleOf'"),
    (raw('{"id": 2, "flag": true, "money": 1e37}'), "does not fit into DECIMAL(38,2)"),
    (raw('{"id": 2, "flag": true, "money": NaN}'), "['money']: it breaks 'multipleOf'"),
    (raw('{"id": 2, "flag": true, "day": "2024-02-30"}'), "'day': the text is no date"),
    (raw('{"id": 2, "flag": true, "day": ""}'), "'day': the text is no date"),
    (raw('{"id": 2, "flag": true, "day": "2024-01-01T10:00:00Z"}'), "'day': the text is no date"),
    (raw('{"id": 2, "flag": true, "clock": "25:00:00"}'), "'clock': the text is no time"),
    (raw('{"id": 2, "flag": true, "moment": "yesterday"}'), "'moment': the text is no date-time"),
    (raw('{"id": 2, "flag": true, "moment": "0000-00-00T00:00:00Z"}'), "'moment': the text is no"),
    (raw('{"id": 2, "flag": true, "nested": {}}'), "['nested']: the required property 'n'"),
    (raw('{"id": 2, "flag": true, "nested": {"n": "x"}}'), "['nested']['n']: expected integer"),
    (raw('{"id": 2, "flag": true, "nested": []}'), "['nested']: expected object or null"),
    (raw('{"id": 2, "flag": true, "list": ["a", 1]}'), "['list'][1]: expected string"),
    (raw('{"id": 2, "flag": true, "choice": "c"}'), "['choice']: it breaks 'enum'"),
    (raw('{"id": 2, "flag": true, "ranged": 11}'), "['ranged']: it breaks 'maximum'"),
    (raw('{"id": 2, "flag": true, "pattern": "y"}'), "['pattern']: it breaks 'pattern'"),
    (raw('{"id": ' + "9" * 5000 + ', "flag": true}'), "'id': the integer does not fit"),
    (raw("[1, 2]"), "expected an object, got array"),
    (raw('"text"'), "expected an object, got string"),
    (raw("null"), "expected an object, got null"),
]
IDS = [f"{index}-{reason[:30]}" for index, (_, reason) in enumerate(BAD)]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=IDS)
def test_a_bad_record_ends_the_run(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema(PROPERTIES, ["id"], required=["flag"]), record(GOOD), line, record(GOOD)]
    with pytest.raises(RecordError) as caught:
        load(path, messages)
    text = str(caught.value)
    assert reason in text
    assert text.startswith("stream 'items', line 3: ")
    assert "\n" not in text
    assert SECRET not in text
    assert tables(path) == []


def test_bad_records_are_quarantined_whole(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages: list[Any] = [schema(PROPERTIES, ["id"], required=["flag"])]
    for number, (line, _) in enumerate(BAD):
        messages += [record({"id": 100 + number, "flag": False}), line]
    states = load(path, [*messages, state("end")], on_invalid_record="quarantine")
    assert states == ["end"]
    assert query(path, "SELECT id, flag FROM items ORDER BY id") == [
        (100 + number, False) for number in range(len(BAD))
    ]
    rows = query(
        path,
        "SELECT stream, reason, record, line_number, quarantined_at IS NOT NULL "
        "FROM _quarantine ORDER BY line_number",
    )
    assert len(rows) == len(BAD)
    for number, (row, (line, reason)) in enumerate(zip(rows, BAD, strict=True)):
        assert row[0] == "items"
        assert reason in row[1]
        assert line == raw(row[2])
        assert row[3:] == (3 + 2 * number, True)


def test_a_record_that_is_not_unicode(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    line = b'{"type": "RECORD", "stream": "items", "record": {"v": "\xff"}}'
    with pytest.raises(RecordError, match="stream 'items', line 2: the record is not JSON"):
        load(path, [schema({"v": {"type": "string"}}), line])
    load(path, [schema({"v": {"type": "string"}}), line], on_invalid_record="quarantine")
    assert query(path, "SELECT stream, record FROM _quarantine") == [("items", '{"v": "\\xff"}')]


def test_deep_nesting_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    deep = "[" * 300 + "]" * 300
    load(path, [schema({"v": {}}), raw(f'{{"v": {deep}}}')])
    assert query(path, "SELECT v::VARCHAR FROM items") == [(deep,)]


def test_the_quarantine_is_the_same_after_a_second_run(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema({"v": {"type": "integer"}}), record({"v": "x"}), record({"v": "x"}), "bad"]
    for _ in range(2):
        load(path, messages, on_invalid_record="quarantine")
        assert query(path, "SELECT stream, record, line_number FROM _quarantine ORDER BY 3") == [
            ("items", '{"v": "x"}', 2),
            (None, "bad", 4),
        ]


BAD_LINES = [
    ("not json", "the line is not JSON"),
    ('{"type": "RECORD", "stream": "items", "record": {"id":', "the line is not JSON"),
    (b'{"type": "GREETING", "text": "\xff"}', "the line is not JSON"),
    (raw('{"id": ' + "[" * 200_000 + "]" * 200_000 + "}"), "the line is nested too deeply"),
    ("[]", "it has no 'type'"),
    ("{}", "it has no 'type'"),
    ('{"type": 5}', "it has no 'type'"),
    ('{"type": "GREETING"}', "unknown message type 'GREETING'"),
    ('{"type": "RECORD", "stream": "items"}', "a RECORD message needs 'stream' and 'record'"),
    ('{"type": "RECORD", "record": {}}', "a RECORD message needs 'stream' and 'record'"),
    ('{"type": ' + "[" * 100_000, "the line is nested too deeply"),
    ("a\0b", "the line is not JSON"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_line_that_is_no_message(tmp_path: Path, line: str | bytes, reason: str) -> None:
    path = tmp_path / "test.duckdb"
    first = [schema({"id": {"type": "integer"}}), record({"id": 1})]
    with pytest.raises(TargetError, match="line 3") as caught:
        load(path, [*first, line])
    assert reason in str(caught.value)
    assert tables(path) == []
    load(path, [*first, line, record({"id": 2})], on_invalid_record="quarantine")
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    kept = line if isinstance(line, str) else line.decode("utf-8", "backslashreplace")
    ((stream, why, text),) = query(path, "SELECT stream, reason, record FROM _quarantine")
    assert (stream, text) == (None, kept)
    assert reason in why


def test_blank_lines_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, ["", schema({"id": {"type": "integer"}}), "  ", record({"id": 1}), ""])
    assert query(path, "SELECT id FROM items") == [(1,)]


def test_a_record_before_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    with pytest.raises(NoSchemaError, match="stream 'others', line 2"):
        load(path, [schema({"id": {"type": "integer"}}), record({"id": 1}, stream="others")])
    load(path, [record({"id": 1}, stream="others")], on_invalid_record="quarantine")
    assert query(path, "SELECT stream, record FROM _quarantine") == [("others", '{"id": 1}')]


@pytest.mark.parametrize(
    ("message", "error", "reason"),
    [
        ({"type": "SCHEMA", "stream": "s"}, MessageError, "needs 'stream' and 'schema'"),
        (
            {"type": "SCHEMA", "stream": "s", "schema": {"type": "object"}},
            MessageError,
            "has no 'properties'",
        ),
        (schema({"a": {"type": "integer"}}, ["b"]), SchemaError, "'b' is not among"),
        (schema({"a": {"type": "whatever"}}), SchemaError, "no valid JSON schema"),
        (schema({"a": {}}, stream="_quarantine"), MessageError, "'_quarantine' is kept"),
        (schema({"a": {}}, stream="_Quarantine"), MessageError, "another '__alias__'"),
        ({**schema({"a": {}}), "key_properties": "a"}, MessageError, "no list of names"),
        ({**schema({"a": {}}), "key_properties": 5}, MessageError, "no list of names"),
        ({**schema({"a": {}}), "key_properties": [["a"]]}, MessageError, "no list of names"),
        ({"type": "STATE"}, MessageError, "a STATE message needs 'value'"),
        ({"type": "ACTIVATE_VERSION", "stream": "s"}, MessageError, "needs 'stream' and 'version'"),
        (activate(10**30), MessageError, "which is an integer of 64 bits"),
        ({**activate(1), "version": 1.5e12}, MessageError, "which is an integer of 64 bits"),
        (activate(version=True), MessageError, "needs 'stream' and 'version'"),
        ({"type": "BATCH", "stream": "s"}, MessageError, "needs 'stream', 'encoding'"),
        (batch("jsonl", 5), MessageError, "needs 'stream', 'encoding'"),
        ({**batch("jsonl"), "stream": ["s"]}, MessageError, "needs 'stream', 'encoding'"),
        (
            {"type": "BATCH", "stream": "s", "encoding": {"format": "jsonl"}, "manifest": []},
            NoSchemaError,
            "its SCHEMA message has not come",
        ),
    ],
)
def test_messages_that_make_no_sense_always_end_the_run(
    tmp_path: Path, message: Any, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error) as caught:
        load(tmp_path / "test.duckdb", [message], on_invalid_record="quarantine")
    assert reason in str(caught.value)


def test_a_version_of_a_stream_without_schema_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [activate(1, "others"), schema({"a": {}}), record({"a": 1}), activate(2, "others")]
    load(path, messages)
    assert query(path, "SELECT a FROM items") == [("1",)]
    assert caplog.text.count("Stream 'others', line 1: ACTIVATE_VERSION without a SCHEMA") == 1


@pytest.mark.parametrize("url", ["/a\0b", "http://[x", "nosuch://x/y", "http://127.0.0.1:9/x", "/"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_batch_file_that_nothing_can_open_is_one_line(
    tmp_path: Path, form: str, url: str
) -> None:
    with pytest.raises(BatchError, match="cannot read the batch file "):
        load(tmp_path / "test.duckdb", [schema({"a": {}}, stream="s"), batch(form, url)])


def test_an_address_that_cannot_be_opened_is_shown_without_its_signature(tmp_path: Path) -> None:
    message = batch("parquet", f"{tmp_path}/gone.parquet?signature=hidden")
    message["time_extracted"] = "2024-05-06T07:08:09Z"
    with pytest.raises(BatchError) as caught:
        load(tmp_path / "test.duckdb", [schema({"a": {}}, stream="s"), message])
    assert "gone.parquet" in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("version", [10**30, True, "1"])
def test_a_version_that_is_none_is_that_of_its_record_alone(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "test.duckdb"
    first, second = (record({"id": number}) for number in (1, 2))
    messages = [schema({"id": {"type": "integer"}}), {**first, "version": version}, second]
    with pytest.raises(RecordError, match="'version' is no integer of 64 bits"):
        load(path, messages)
    load(path, messages, on_invalid_record="quarantine")
    assert query(path, "SELECT id FROM items") == [(2,)]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("integer", "the integer does not fit into 128 bits"),
        ("number", "the number is out of the range of a 64-bit float"),
        ("object", "expected object, got number"),
    ],
)
def test_an_integer_longer_than_python_reads_is_told(
    tmp_path: Path, kind: str, reason: str
) -> None:
    messages = [schema({"v": {"type": kind}}), raw(f'{{"v": {"9" * 5_000}}}')]
    with pytest.raises(RecordError, match=reason):
        load(tmp_path / "test.duckdb", messages)


@pytest.mark.parametrize("validate", [True, False])
def test_an_integer_longer_than_python_reads_is_kept_in_json(
    tmp_path: Path, *, validate: bool
) -> None:
    path = tmp_path / "test.duckdb"
    digits = "-" + "9" * 20_000
    records = [f'{{"any": {digits}}}', f'{{"any": {{"n": [{digits}]}}}}', '{"any": 1}']
    load(path, [schema({"any": {}}), *map(raw, records)], validate_records=validate)
    assert query(path, 'SELECT "any" FROM items') == [
        (digits,),
        (f'{{"n":[{digits}]}}',),
        ("1",),
    ]


def test_unknown_properties_are_dropped_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    messages = [schema({"id": {"type": "integer"}}), *(record({"id": n, "x": n}) for n in range(3))]
    load(path, messages)
    assert query(path, "SELECT * FROM items") == [(0,), (1,), (2,)]
    warnings = [r.getMessage() for r in caplog.records if "schema lacks" in r.getMessage()]
    assert len(warnings) == 1
    assert "'x'" in warnings[0]


def test_unknown_properties_are_errors_where_the_schema_says_so(tmp_path: Path) -> None:
    messages = [
        schema({"id": {"type": "integer"}}, additionalProperties=False),
        record({"id": 1, "x": 1}),
    ]
    with pytest.raises(RecordError, match="properties that the schema does not allow"):
        load(tmp_path / "test.duckdb", messages)


def test_records_of_a_schema_without_properties(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({}), schema({"v": {}}, stream="others")])
    assert tables(path) == ["main.others"]
    with pytest.raises(RecordError, match="its schema has no properties"):
        load(path, [schema({}), record({"id": 1})])


def test_a_key_twice_in_a_record_counts_once_the_last(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, [schema({"id": {"type": "integer"}}), raw('{"id": 1, "id": 2}')])
    assert query(path, "SELECT id FROM items") == [(2,)]


def test_without_validation_only_types_count(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    properties = {
        "id": {"type": "integer", "maximum": 5},
        "v": {"type": "string", "enum": ["a"]},
        "day": {"type": "string", "format": "date"},
    }
    messages = [schema(properties, ["id"], required=["v"]), record({"id": 7, "v": "b"})]
    load(path, [*messages, record({"id": 8, "v": None})], validate_records=False)
    assert query(path, "SELECT id, v FROM items ORDER BY id") == [(7, "b"), (8, None)]
    for wrong in ({"id": "x"}, {"id": 1, "day": "never"}, {"v": "a"}):
        with pytest.raises(RecordError):
            load(path, [*messages, record(wrong)], validate_records=False)


def test_missing_key_is_the_sdks_error(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError):
        load(tmp_path / "test.duckdb", [schema({"id": {"type": "integer"}}, ["id"]), record({})])


def test_the_command_says_it_in_one_line_and_exits_with_one(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [
        schema({"email": {"type": "integer"}}),
        state({"token": SECRET}),
        record({"email": SECRET}),
    ]
    done = command(path, messages)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "stream 'items', line 3: property ['email']: expected integer, got string" in last
    assert "'on_invalid_record': 'quarantine'" in last
    assert SECRET not in done.stderr
    assert json.loads(lines(messages[:1]))["type"] == "SCHEMA"


def test_a_record_that_is_no_usual_json_is_kept_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    list_of_each = {"type": "array", "uniqueItems": True}
    text = '{"id": 1, "list": [NaN, 0.5, 1E+400, -0.10, "0.5", {"\\u00e9": null}]}'
    messages = [schema({"id": {}, "list": list_of_each}, ["id"]), raw(text)]
    load(path, messages, on_invalid_record="quarantine")
    assert query(path, "SELECT reason, record FROM _quarantine") == [
        ("property ['list']: it breaks 'uniqueItems' of the schema", text)
    ]


def test_what_no_schema_says_ends_in_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    number = {"type": "number"}
    steps = {"a": {**number, "multipleOf": 10**400}, "b": {**number, "multipleOf": math.inf}}
    properties = {"id": {}, "c": {"type": "string", "maxLength": 10**400}, "any": True, **steps}
    messages = [
        schema(properties, ["id"]),
        *(record({"id": each, each: 1.5, "any": "y"}) for each in steps),
        record({"id": "c", "c": "x", "any": "y"}),
        record({"id": 1}, "no schema \ud800"),
    ]
    options: dict[str, Any] = {"stream_maps": {"items": {"copy": "any"}}}
    load(path, messages, on_invalid_record="quarantine", **options)
    assert query(path, "SELECT id, c, copy FROM items") == [('"c"', "x", "y")]
    assert query(path, "SELECT stream, reason FROM _quarantine ORDER BY line_number") == [
        ("items", "property ['a']: it breaks 'multipleOf' of the schema"),
        ("items", "property ['b']: it breaks 'multipleOf' of the schema"),
        ("no schema \\ud800", "its SCHEMA message has not come"),
    ]
