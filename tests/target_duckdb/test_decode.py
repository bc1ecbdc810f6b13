"""Records decoded many at a time give the table that they give one by one."""

from __future__ import annotations

import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_duckdb.columns import TypeOptions
from target_duckdb.decode import Decoder, Refused, Rows
from target_duckdb.message_errors import RecordError
from target_duckdb.messages import is_one_per_line
from target_duckdb.target import TargetDuckDB
from target_duckdb.verbatim import spells_alike
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


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no record take the fast way."""
    monkeypatch.setattr(Decoder, "_decode_fast", lambda *_: None)


def batch(files: list[Path], version: int | None = None) -> dict[str, Any]:
    return {
        "type": "BATCH",
        "stream": "items",
        "encoding": {"format": "jsonl"},
        "manifest": [file.as_uri() for file in files],
        "version": version,
    }


def decoder_of(properties: dict[str, Any], **others: Any) -> Decoder:
    message = schema(properties, ["id"], **others)
    return Decoder(
        message["schema"],
        ["id"],
        TypeOptions(),
        validate=True,
        metadata=frozenset({"_sdc_table_version"}),
        warn=lambda _: None,
    )


def fast(decoder: Decoder, text: bytes) -> Rows | None:
    return decoder._decode_fast(text, text.count(b"\n"), {})  # noqa: SLF001


@pytest.mark.parametrize("version", [None, 7])
def test_both_ways_give_the_same_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int | None
) -> None:
    records = [f'{{"id": "{n}", {value}}}' for n, value in enumerate(VALUES)]
    for text in records:
        assert fast(decoder_of(PROPERTIES), text.encode() + b"\n") is not None, text
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{text}\n" for text in records))
    more = "" if version is None else f', "version": {version}'
    messages = [
        f'{{"type": "RECORD", "stream": "items", "record": {text}{more}}}' for text in records
    ]
    found = []
    for way in ("fast", "slow"):
        if way == "slow":
            slowly(monkeypatch)
        for name, given_as in (("batch", [batch([file], version)]), ("messages", messages)):
            path = tmp_path / f"{way}-{name}.duckdb"
            load(path, [schema(PROPERTIES, ["id"]), *given_as], keep_batch_files=True)
            found.append(rows(path))
    assert len(found[0]) == len(VALUES)
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.parametrize("version", [None, 7])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("properties", ["PLAIN", "OPEN"])
def test_lines_that_are_written_otherwise(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: int | None,
    properties: str,
    *,
    together: bool,
) -> None:
    values = {"PLAIN": UNCHANGED + CHANGED, "OPEN": [USUAL, *LIKE_IT, *UNLIKE_IT]}[properties]
    texts = [f'{{"id":"{n}",{value}}}\n' for n, value in enumerate(values)]
    files = []
    for number, part in enumerate([texts] if together else [[text] for text in texts]):
        files.append(tmp_path / f"{number}.jsonl")
        files[-1].write_text("".join(part))
    begin = schema({"PLAIN": PLAIN, "OPEN": OPEN}[properties], ["id"])
    found = []
    for way in ("fast", "slow"):
        if way == "slow":
            slowly(monkeypatch)
        path = tmp_path / f"{way}.duckdb"
        load(path, [begin, batch(files, version)], keep_batch_files=True)
        found.append(rows(path))
    assert len(found[0]) == len(texts)
    assert found[0] == found[1]


@given(stream=streams())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_give_the_same_rows(
    stream: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    properties, records = stream
    begin = schema(properties, ["key"])
    found = []
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        for way in ("fast", "slow"):
            if way == "slow":
                slowly(patch)
            file = Path(name) / "batch.jsonl"
            file.write_bytes(lines(records))
            found.append(repr(loaded([begin, batch([file])])))
    assert found[0] == found[1]


# Numbers and texts as JSON may spell them, and values made of them.
LITERALS = st.sampled_from(
    [
        "123456789012345678901234567890", "-123456789012345678901234567890",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809",
        "18446744073709551615", "18446744073709551616", "9007199254740993", "9007199254740993.0",
        "1E400", "-1e400", "1e-400", "1E2", "100", "1.0", "1.50", "-0", "-0.0", "0e0", "5e-324",
        "0.1234567890123456789012345678901234567890", "NaN", "-Infinity",
        "true", "null", '""', '"a"', '"\\u0061"', '"\\ud800"', '"\\ud83d\\ude00"',
        '"\\u0000\\u001f"', '"\\/\u2028"',
    ]
)  # fmt: skip
NAMES = st.sampled_from(['"n"', '"\\u006e"', '"a"', '""', '"\\ud800"'])


def written(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(NAMES, st.sampled_from([":", " : "]), inner).map("".join)
    arrays = st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
    objects = st.lists(members, max_size=3).map(lambda pairs: "{" + ", ".join(pairs) + "}")
    deep = st.tuples(inner, st.sampled_from([50, 1000])).map(
        lambda p: "[" * p[1] + p[0] + "]" * p[1]
    )
    return arrays | objects | deep


SPELLINGS = st.recursive(LITERALS, written, max_leaves=6)
WHOLE = {"type": ["integer", "null"]}
SPELLED: dict[str, dict[str, Any]] = {
    "any": {},
    "object": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"]},
    "both": {"type": ["object", "array", "null"]},
    "whole": {"type": ["object", "null"], "properties": {"n": WHOLE}},
    "number": {"type": ["object", "null"], "properties": {"n": {"type": ["number", "null"]}}},
    "strict": {"type": "object", "properties": {"n": WHOLE}, "additionalProperties": False},
    "map": {"type": ["object", "null"], "additionalProperties": WHOLE},
    "wholes": {"type": ["array", "null"], "items": WHOLE},
    "either": {"type": ["integer", "string", "null"]},
    "choice": {"anyOf": [WHOLE, {"type": "boolean"}]},
    "huge": {"anyOf": [{"type": "integer", "maximum": 2**100}, {"type": ["object", "null"]}]},
}


GUESSED = {"id": {"type": "string"}} | {name: SPELLED[name] for name in SPELLED if name != "number"}
GUESSED_FROM = (
    '"any":"a","object":{"n":1,"a":[true,{"n":"a"}]},"list":[{"n":1,"a":null}],"both":[["a"]],'
    '"whole":{"n":1},"strict":{"n":1},"map":{"n":1},"wholes":[1],"either":1,"choice":1'
)


@given(members=st.lists(st.tuples(st.sampled_from([*GUESSED]), SPELLINGS), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_guess_changes_nothing(members: list[tuple[str, str]]) -> None:
    texts = [*(f'"{name}":{spelled}' for name, spelled in members), '"id":"a"']
    text = f"{{{','.join(texts)}}}\n".encode("utf-8", "surrogatepass")
    for usual in (GUESSED_FROM, ",".join(texts[:-1])):
        decoder = decoder_of(GUESSED)
        first = f'{{"id":"a",{usual}}}\n'.encode("utf-8", "surrogatepass") * 8
        list(decoder.decode(first, {}))
        found = [list(each.decode(text, {})) for each in (decoder, decoder_of(GUESSED))]
        assert repr(found[0]) == repr(found[1])


def spelled_rows(texts: list[str]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What is in the table and in the quarantine."""
    target = TargetDuckDB(config={"path": ":memory:", "on_invalid_record": "quarantine"})
    begin = schema({"id": {"type": "integer"}, **SPELLED})
    messages = [f'{{"type":"RECORD","stream":"items","record":{text}}}' for text in texts]
    try:
        target.process_lines(cast("IO[str]", io.BytesIO(lines([begin, *messages]))))
        target.flush()
        query_ = target.database.connection.execute
        found = query_("SELECT * FROM target.main.items ORDER BY id").fetchall()
        names = query_("SELECT table_name FROM duckdb_tables()").fetchall()
        if ("_quarantine",) not in names:
            return found, []
        refused = "SELECT line_number, reason FROM target.main._quarantine ORDER BY line_number"
        return found, query_(refused).fetchall()
    finally:
        target.close()


def exactly(text: str) -> Any:
    """A JSON value with its numbers as numbers of any size, which are not booleans."""
    return json.loads(
        text,
        parse_float=lambda literal: ("number", Decimal(literal)),
        parse_int=lambda literal: ("number", Decimal(literal)),
    )


@given(
    records=st.lists(st.tuples(st.sampled_from(list(SPELLED)), SPELLINGS), min_size=1, max_size=12)
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_is_what_was_sent_or_refused_by_name(records: list[tuple[str, str]]) -> None:
    texts = [f'{{"id":{n},"{name}":{value}}}' for n, (name, value) in enumerate(records)]
    found, refused = spelled_rows(texts)
    with pytest.MonkeyPatch.context() as patch:
        slowly(patch)
        assert (found, refused) == spelled_rows(texts)
    assert len(found) + len(refused) == len(records)
    columns = ["id", *SPELLED]
    for row in found:
        name, value = records[row[0]]
        in_table = row[columns.index(name)]
        assert (None if in_table is None else exactly(in_table)) == exactly(value)
    for line, reason in refused:
        assert repr(records[line - 2][0]) in reason


def test_a_number_beyond_all_is_refused_by_name() -> None:
    texts = ['{"id":1}', '{"id":2,"both":{"n":[0,1e99999999999999999999]}}', '{"id":3}']
    found, refused = spelled_rows(texts)
    assert [row[0] for row in found] == [1, 3]
    reason = "property 'both': a number has an exponent of more than 18 digits"
    assert refused == [(3, reason)]


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
def test_what_is_unusual_goes_its_own_way(unusual: str) -> None:
    decoder = decoder_of(PROPERTIES)
    text = f'{{"id": "a"}}\n{unusual}\n{{"id": "b"}}\n{{"id": "c"}}\n'.encode()
    found = list(decoder.decode(text, {}))
    loaded_ids = b"".join(each.lines for each in found if isinstance(each, Rows))
    for name in (b"a", b"b", b"c"):
        assert loaded_ids.count(b'"id":"%b"' % name) == 1
    refused = [each for each in found if isinstance(each, Refused)]
    assert all(each.index in {1, 2} for each in refused)
    # One that has a property too many is loaded without it.
    assert bool(refused) == ("unknown" not in unusual and unusual != '{"id": "x"}\n')
    usual = b'{"id":"a"}\n{"id":"b"}\n'
    assert fast(decoder, usual.replace(b":", b": ")) == Rows(usual, 2, has_texts=False)


def test_line_breaks_that_only_seem_to_separate() -> None:
    two_and_a_half = b'{"id": "a"} {"id": "b"}\n{"id":\n"c"}\n'
    found = list(decoder_of(PROPERTIES).decode(two_and_a_half, {}))
    assert [(type(each), each.index) for each in found if isinstance(each, Refused)] == [
        (Refused, 0), (Refused, 1), (Refused, 2),
    ]  # fmt: skip
    assert is_one_per_line(b'{"a": "}\\n{"}\n{}', 2)
    assert not is_one_per_line(b"{} {}\n", 2)


def taught(properties: dict[str, Any], usual: str) -> Decoder:
    """Return a decoder that expects lines such as this one."""
    decoder = decoder_of(properties)
    text = "".join(f'{{"id":"{n}",{usual}}}\n' for n in range(8)).encode()
    assert [each.count for each in decoder.decode(text, {}) if isinstance(each, Rows)] == [8]
    return decoder


@pytest.mark.parametrize("metadata", [{}, {"_sdc_table_version": 7}])
def test_lines_like_those_before_are_staged_as_they_are(metadata: dict[str, Any]) -> None:
    decoder = taught(OPEN, USUAL)
    text = "".join(f'{{"id":"{n}",{value}}}\n' for n, value in enumerate(LIKE_IT)).encode()
    for given_as in (text, text.rstrip()):
        rows = decoder._decode_verbatim(given_as, metadata)  # noqa: SLF001
        assert rows is not None
        assert rows == next(decoder_of(OPEN).decode(given_as, metadata))
    assert metadata or text == next(decoder.decode(text, {})).lines  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [*UNLIKE_IT, *CHANGED])
@pytest.mark.parametrize("properties", ["PLAIN", "OPEN"])
def test_lines_unlike_those_before_are_decoded_anew(properties: str, value: str) -> None:
    known = {"PLAIN": PLAIN, "OPEN": OPEN}[properties]
    decoder = taught(known, {"PLAIN": UNCHANGED[0], "OPEN": USUAL}[properties])
    text = f'{{"id":"a",{value}}}\n{{"id":"b"}}\n'.encode()
    found = [list(each.decode(text, {})) for each in (decoder, decoder_of(known))]
    assert repr(found[0]) == repr(found[1])


def test_a_wrong_guess_is_made_anew_a_few_times() -> None:
    decoder = decoder_of(OPEN)
    usual = "".join(f'{{"id":"{n}","object":{{"a":{n}}}}}\n' for n in range(8)).encode()
    other = usual.replace(b'"a"', b'"b"')
    guess = decoder._guess  # noqa: SLF001
    assert guess is not None
    # Three misses end a guess, and what was missed last makes the next one.
    for text in (usual, *[other] * 3, *[usual] * 3, *[other] * 2):
        assert [each.count for each in decoder.decode(text, {}) if isinstance(each, Rows)] == [8]
        assert guess.decoder is not None
    for text in (other, usual):
        assert [each.count for each in decoder.decode(text, {}) if isinstance(each, Rows)] == [8]
        assert guess.decoder is None


def test_numbers_that_are_spelled_in_many_ways_are_not_guessed() -> None:
    number = {"type": ["object", "null"], "properties": {"n": {"type": ["number", "null"]}}}
    decoder = taught({"id": {"type": "string"}, "number": number}, '"number":{"n":1e2}')
    assert decoder._guess is not None  # noqa: SLF001
    assert decoder._guess.decoder is None  # noqa: SLF001
    assert not spells_alike(dict[str, float])
    assert spells_alike(Literal["a", "b"] | None)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 100])
def test_the_odd_one_is_found_wherever_it_stands(count: int) -> None:
    decoder = decoder_of(PROPERTIES)
    for odd in range(count):
        ids = [f'"{n}"' if n != odd else str(n) for n in range(count)]
        text = "".join(f'{{"id":{each}}}\n' for each in ids).encode()
        for lines_ in (text, text.rstrip()):
            found = list(decoder.decode(lines_, {}))
            assert [each.index for each in found if isinstance(each, Refused)] == [odd]
            assert sum(each.count for each in found if isinstance(each, Rows)) == count - 1


def test_a_property_the_schema_lacks_is_unusual_once() -> None:
    decoder = decoder_of(PROPERTIES)
    line = b'{"id":"a","unknown":1}\n'
    assert fast(decoder, line) is None
    assert [type(each) for each in decoder.decode(line, {})] == [Rows]
    assert fast(decoder, line * 2) == Rows(b'{"id":"a"}\n' * 2, 2, has_texts=False)


def test_one_bad_record_among_many_messages(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    messages = [record({"id": str(n)}) for n in range(1000)]
    messages[700] = record({"id": 700})
    with pytest.raises(RecordError, match=r"stream 'items', line 702: .*expected string"):
        load(path, [schema(PROPERTIES, ["id"]), *messages])
    load(path, [schema(PROPERTIES, ["id"]), *messages], on_invalid_record="quarantine")
    assert query(path, "SELECT count(*) FROM items") == [(999,)]
    assert query(path, "SELECT line_number FROM _quarantine") == [(702,)]
