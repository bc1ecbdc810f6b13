"""BATCH messages: the same tables as from records, files gone after the commit."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.errors import BatchError
from target_duckdb.message_errors import MessageError, MissingKeyError, RecordError
from tests.target_duckdb.helpers import (
    activate,
    files,
    lines,
    load,
    query,
    record,
    schema,
    state,
    types,
)

if TYPE_CHECKING:
    from pathlib import Path

PROPERTIES: dict[str, Any] = {
    "id": {"type": "integer"},
    "text": {"type": ["string", "null"]},
    "money": {"type": ["number", "null"], "multipleOf": 0.01},
    "real": {"type": ["number", "null"]},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "flag": {"type": ["boolean", "null"]},
    "big": {"type": ["integer", "null"], "maximum": 2**100},
    "object": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"]},
}
RECORDS: list[dict[str, Any]] = [
    {
        "id": 1,
        "text": 'é "\0" \n',
        "money": 12.34,
        "real": 0.1,
        "moment": "2024-05-06T07:08:09.123456+02:00",
        "day": "2024-02-29",
        "flag": True,
        "big": 2**90,
        "object": {"a": [1, {"b": "c"}], "n": 1.5},
        "list": ["x", None, 1],
    },
    {"id": 2, "text": "", "flag": False, "object": {}, "list": []},
    {"id": 3},
    {"id": 2, "text": "again"},
]
PARQUET = "parquet"
DEEP = b'{"id": 5, "object": {"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}"


def batch(*manifest: str, kind: str = "jsonl", compression: str | None = None, **more: Any) -> Any:
    encoding = {"format": kind, "compression": compression}
    return {
        "type": "BATCH", "stream": "items", "encoding": encoding, "manifest": list(manifest), **more
    }  # fmt: skip


def write(path: Path, records: list[Any], compression: str | None = None) -> str:
    data = lines(records)
    path.write_bytes(gzip.compress(data) if compression == "gzip" else data)
    return path.as_uri()


@pytest.mark.parametrize("compression", [None, "none", "gzip"])
@pytest.mark.parametrize("metadata", [False, True])
def test_same_table_as_from_records(
    tmp_path: Path, compression: str | None, *, metadata: bool
) -> None:
    one, two = tmp_path / "records.duckdb", tmp_path / "batches.duckdb"
    begin = schema(PROPERTIES, ["id"])
    load(one, [begin, *map(record, RECORDS)], add_record_metadata=metadata)
    folder = tmp_path / "files with é % space"
    folder.mkdir()
    manifest = [
        write(folder / "1.jsonl", RECORDS[:2], compression),
        write(folder / "2.jsonl", RECORDS[2:], compression),
    ]
    message = batch(*manifest, compression=compression)
    assert load(two, [begin, message, state(1)], add_record_metadata=metadata) == [1]
    assert types(one) == types(two)
    columns = ", ".join(f'"{name}"' for name in PROPERTIES)
    everything = f"SELECT {columns} FROM (SELECT * REPLACE (moment::VARCHAR AS moment) FROM items)"
    assert query(one, everything + " ORDER BY id") == query(two, everything + " ORDER BY id")
    assert files(folder) == []
    if metadata:
        filled = (
            "SELECT count(_sdc_received_at), count(_sdc_batched_at), count(_sdc_sequence), "
            "count(_sdc_sync_started_at), count(_sdc_deleted_at) FROM items"
        )
        assert query(one, filled) == query(two, filled) == [(3, 3, 3, 3, 0)]
        recent = "now() - INTERVAL 1 DAY < _sdc_extracted_at AND _sdc_extracted_at <= now()"
        assert query(two, f"SELECT count(*) FROM items WHERE {recent}") == [(3,)]


def test_files_can_be_kept(tmp_path: Path) -> None:
    url = write(tmp_path / "1.jsonl", RECORDS)
    message = [schema(PROPERTIES, ["id"]), batch(url)]
    load(tmp_path / "test.duckdb", message, keep_batch_files=True)
    assert files(tmp_path) == ["1.jsonl", "test.duckdb"]


def test_files_stay_until_they_are_committed(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    url = write(tmp_path / "1.jsonl", RECORDS)
    with pytest.raises(BatchError, match=r"cannot read the batch file .*missing\.jsonl"):
        load(path, [schema(PROPERTIES, ["id"]), batch(url), batch(f"{url}.missing.jsonl")])
    assert files(tmp_path) == ["1.jsonl"]


def test_transient_files_go_once_they_are_read(tmp_path: Path) -> None:
    """A tap that says so can make them again: it may write as much ahead as it has room for."""
    begin = schema(PROPERTIES, ["id"])
    for name in ("1", "2", "kept"):
        write(tmp_path / f"{name}.jsonl", RECORDS)
    (tmp_path / "2.jsonl").write_bytes(lines([RECORDS[0], {"id": "x"}]))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "kept.jsonl")
    ones = [batch((tmp_path / f"{n}.jsonl").as_uri(), transient=True) for n in ("1", "2", "link")]
    gone = batch((tmp_path / "gone.jsonl").as_uri(), transient=True)
    path = tmp_path / "test.duckdb"
    with pytest.raises(BatchError, match=r"cannot read the batch file .*gone\.jsonl"):
        load(path, [begin, *ones, gone], on_invalid_record="quarantine")
    assert files(tmp_path) == ["kept.jsonl", "link.jsonl"]
    write(tmp_path / "1.jsonl", RECORDS)
    load(path, [begin, ones[0]], keep_batch_files=True)
    assert files(tmp_path) == ["1.jsonl", "kept.jsonl", "link.jsonl", "test.duckdb"]


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_only_true_makes_files_transient(tmp_path: Path, value: Any) -> None:
    url = write(tmp_path / "1.jsonl", RECORDS)
    messages = [schema(PROPERTIES, ["id"]), batch(url, transient=value), "{not json"]
    with pytest.raises(MessageError):
        load(tmp_path / "test.duckdb", messages)
    assert files(tmp_path) == ["1.jsonl"]


@pytest.mark.parametrize("begin", ["file://localhost", "FILE://LOCALHOST", "file://", "file:", ""])
@pytest.mark.parametrize("name", ["plain.jsonl", "a%20b.jsonl", "a b#c?d.jsonl"])
def test_addresses_whose_path_is_not_encoded(tmp_path: Path, begin: str, name: str) -> None:
    path = tmp_path / "test.duckdb"
    write(tmp_path / name, RECORDS)
    load(path, [schema(PROPERTIES, ["id"]), batch(f"{begin}{tmp_path}/{name}")])
    assert query(path, "SELECT count(*) FROM items") == [(3,)]
    assert files(tmp_path) == ["test.duckdb"]


def test_plain_path_instead_of_an_address(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    write(tmp_path / "1 %41.jsonl", RECORDS)
    load(path, [schema(PROPERTIES, ["id"]), batch(str(tmp_path / "1 %41.jsonl"))])
    assert query(path, "SELECT count(*) FROM items") == [(3,)]


@pytest.mark.parametrize(
    ("bad", "error", "reason"),
    [
        ({"id": "x"}, RecordError, "['id']: expected integer, got string"),
        ({"text": "x"}, MissingKeyError, "the key property 'id' is missing"),
        ({"id": None}, MissingKeyError, "the key property 'id' is null"),
        ("{not json", RecordError, "the record is not JSON"),
        (DEEP, RecordError, "nested too deeply"),
    ],
)
def test_a_bad_record_in_a_file(
    tmp_path: Path, bad: Any, error: type[Exception], reason: str
) -> None:
    path = tmp_path / "test.duckdb"
    url = write(tmp_path / "1.jsonl", [RECORDS[0], bad, RECORDS[2]])
    begin = schema(PROPERTIES, ["id"])
    with pytest.raises(error) as caught:
        load(path, [begin, batch(url)])
    assert reason in str(caught.value)
    assert "1.jsonl, line 2)" in str(caught.value)
    assert "stream 'items', line 2 (" in str(caught.value)
    load(path, [begin, batch(url)], on_invalid_record="quarantine")
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (3,)]
    ((stream, text),) = query(path, "SELECT stream, record FROM _quarantine")
    assert stream == "items"
    assert text.encode() == lines([bad]).rstrip(b"\n")


def test_lines_are_counted_in_files_that_are_read_in_pieces(tmp_path: Path) -> None:
    records: list[Any] = [{"id": number, "text": "x" * 100} for number in range(9_000)]
    url = write(tmp_path / "1.jsonl", [*records[:3_000], {"id": "x"}, *records[3_000:]])
    begin = schema(PROPERTIES, ["id"])
    with pytest.raises(RecordError, match=r"1\.jsonl, line 3001\)"):
        load(tmp_path / "test.duckdb", [begin, batch(url)])
    url = write(tmp_path / "1.jsonl", [*records, {"id": "x"}])
    with pytest.raises(RecordError, match=r"1\.jsonl, line 9001\)"):
        load(tmp_path / "test.duckdb", [begin, batch(url)])


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    url = write(tmp_path / "1.gz", RECORDS, "gzip")
    whole = (tmp_path / "1.gz").read_bytes()
    for damaged in (
        whole[:-20],
        b"no gzip",
        whole + b"no gzip",
        whole[:20] + b"\0\0\0\0" + whole[24:],
    ):
        (tmp_path / "1.gz").write_bytes(damaged)
        with pytest.raises(BatchError, match="cannot read the batch file") as caught:
            load(
                tmp_path / "test.duckdb",
                [schema(PROPERTIES, ["id"]), batch(url, compression="gzip")],
            )
        assert "b'" not in str(caught.value)
    assert files(tmp_path) == ["1.gz"]


@pytest.mark.parametrize(
    "encoding",
    [{"format": "JSONL", "compression": "GZIP"}, {"format": "Jsonl"},
     {"format": "jsonl", "compression": ""}],
)  # fmt: skip
def test_encodings_as_they_are_spelled(tmp_path: Path, encoding: dict[str, Any]) -> None:
    url = write(tmp_path / "1", RECORDS, "gzip" if encoding.get("compression") else None)
    message = {**batch(url), "encoding": encoding}
    load(tmp_path / "test.duckdb", [schema(PROPERTIES, ["id"]), message])
    assert query(tmp_path / "test.duckdb", "SELECT count(*) FROM items") == [
        (len({each["id"] for each in RECORDS}),)
    ]


@pytest.mark.parametrize("change", [{"kind": "avro"}, {"compression": "zstd"}])
def test_unknown_encodings(tmp_path: Path, change: dict[str, Any]) -> None:
    url = write(tmp_path / "1.jsonl", RECORDS)
    with pytest.raises(BatchError, match=r"unknown|not known"):
        load(tmp_path / "test.duckdb", [schema(PROPERTIES, ["id"]), batch(url, **change)])


def test_versions(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    for version, ids in ((1, (1, 2)), (2, (2, 3))):
        url = write(tmp_path / "1.jsonl", [{"id": n} for n in ids])
        messages = [schema(PROPERTIES, ["id"]), batch(url, version=version), activate(version)]
        load(path, messages, hard_delete=True)
    assert query(path, "SELECT id, _sdc_table_version FROM items ORDER BY id") == [(2, 2), (3, 2)]


def test_stream_maps_reach_into_files(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    url = write(tmp_path / "1.jsonl", RECORDS)
    maps = {"items": {"text": None, "__filter__": "id != 3"}}
    load(path, [schema(PROPERTIES, ["id"]), batch(url)], stream_maps=maps)
    assert "text" not in types(path)
    assert query(path, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]


def write_parquet(path: Path, select: str) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.as_uri()


def test_parquet(tmp_path: Path) -> None:
    path, other = tmp_path / "test.duckdb", tmp_path / "records.duckdb"
    write(tmp_path / "source.jsonl", RECORDS[:3])
    structure = (
        "{id: 'BIGINT', text: 'VARCHAR', money: 'DECIMAL(10,2)', real: 'DOUBLE', "
        "moment: 'VARCHAR', day: 'DATE', flag: 'BOOLEAN', big: 'VARCHAR', "
        "object: 'STRUCT(a VARCHAR, n DOUBLE)', list: 'VARCHAR[]'}"
    )
    select = (
        "SELECT * EXCLUDE (object, list) REPLACE (big::DECIMAL(38,0) AS big), list "
        f"FROM read_json('{tmp_path / 'source.jsonl'}', columns = {structure})"
    )
    url = write_parquet(tmp_path / "1.parquet", select)
    load(path, [schema(PROPERTIES, ["id"]), batch(url, kind=PARQUET), state(1)])
    plain = [{k: v for k, v in r.items() if k != "object"} for r in RECORDS[:3]]
    plain[0]["list"] = ["x", None, "1"]
    load(other, [schema(PROPERTIES, ["id"]), *map(record, plain)])
    everything = "SELECT * REPLACE (moment::VARCHAR AS moment) FROM items ORDER BY id"
    assert query(path, everything) == query(other, everything)
    assert files(tmp_path) == ["records.duckdb", "source.jsonl", "test.duckdb"]


def test_a_parquet_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    """DuckDB takes a name that it does not find for a pattern, and folders for columns."""
    path, folder = tmp_path / "test.duckdb", tmp_path / "id=5"
    folder.mkdir()
    ids = {"id": {"type": "integer"}}
    write_parquet(folder / "x1.parquet", "SELECT 7 AS id")
    with pytest.raises(BatchError, match=r"x\[1\]\.parquet: No such file"):
        load(path, [schema(ids), batch(str(folder / "x[1].parquet"), kind=PARQUET)])
    url = write_parquet(folder / "x[1].parquet", "SELECT 1 AS id")
    load(path, [schema(ids), batch(url, kind=PARQUET)])
    assert query(path, "SELECT id FROM items") == [(1,)]


def test_parquet_of_every_type(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    select = """
        SELECT 1 AS id, 'nan'::DOUBLE AS d1, '-inf'::DOUBLE AS d2, 0.1::FLOAT AS f,
            1234567890123456789.01::DECIMAL(38,2) AS m, TIMESTAMP '2024-05-06 07:08:09.5' AS t,
            TIMESTAMPTZ '2024-05-06 07:08:09+02' AS tz, TIME '07:08:09' AS c, 'a"b' AS "q""x",
            {'x': 1, 'y': ['é']} AS o, NULL::INTEGER AS n
    """
    url = write_parquet(tmp_path / "1.parquet", select)
    number, text = {"type": "number"}, {"type": "string"}
    properties = {
        "id": {"type": "integer"},
        "d1": number,
        "d2": number,
        "f": number,
        "m": {"type": "number", "multipleOf": 0.01},
        "t": {**text, "format": "date-time"},
        "tz": {**text, "format": "date-time"},
        "c": {**text, "format": "time"},
        'q"x': text,
        "o": {"type": "object"},
        "n": text,
    }
    load(path, [schema(properties, ["id"]), batch(url, kind=PARQUET)])
    assert query(path, "SELECT COLUMNS(*)::VARCHAR FROM items") == [
        (
            "1", "nan", "-inf", "0.10000000149011612", "1234567890123456789.01",
            "2024-05-06 07:08:09.5+00", "2024-05-06 05:08:09+00", "07:08:09", 'a"b',
            '{"x":1,"y":["é"]}', None,
        )
    ]  # fmt: skip


def write_renamed(path: Path, select: str, name: str, other: str) -> str:
    """Write a file with names that DuckDB does not write; both have the same length."""
    url = write_parquet(path, select)
    path.write_bytes(path.read_bytes().replace(name.encode(), other.encode()))
    return url


def test_parquet_names_that_differ_by_case(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    properties = {"Key": {"type": "integer"}, "key": {"type": "string"}}
    url = write_renamed(tmp_path / "1.parquet", "SELECT 1 AS Key, 'x' AS zzz", "zzz", "key")
    load(path, [schema(properties, ["Key"]), batch(url, kind=PARQUET)])
    assert query(path, "FROM items") == [(1, "x")]
    select = "SELECT 2 AS Key, {'Mem': 1, 'zzz': 2} AS value"
    url = write_renamed(tmp_path / "2.parquet", select, "zzz", "mem")
    properties = {"Key": {"type": "integer"}, "value": {"type": "object"}}
    with pytest.raises(BatchError, match=r"2\.parquet: .* column 'value' .* by case .*'mem'"):
        load(path, [schema(properties, ["Key"]), batch(url, kind=PARQUET)])


def test_parquet_that_breaks_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    url = write_parquet(tmp_path / "1.parquet", "SELECT 'x' AS id UNION ALL SELECT '2'")
    with pytest.raises(RecordError, match=r"1\.parquet, line 1\).*expected integer, got string"):
        load(path, [schema(PROPERTIES, ["id"]), batch(url, kind=PARQUET)])
    (tmp_path / "1.parquet").write_text("no parquet")
    with pytest.raises(BatchError, match=r"cannot read the batch file .*1\.parquet"):
        load(path, [schema(PROPERTIES, ["id"]), batch(url, kind=PARQUET)])


def test_large_parquet_is_read_while_it_is_staged(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    url = write_parquet(tmp_path / "1.parquet", "SELECT range AS id FROM range(5000)")
    load(path, [schema(PROPERTIES, ["id"]), batch(url, kind=PARQUET)], batch_size_rows=700)
    assert query(path, "SELECT count(*), count(DISTINCT id), sum(id) FROM items") == [
        (5000, 5000, sum(range(5000)))
    ]


@pytest.mark.parametrize("storage", [True, False])
def test_files_of_other_stores(tmp_path: Path, *, storage: bool) -> None:
    """Through the SDK's storage, as for a store in a network."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    write(folder / "1.jsonl", [{"id": 9}])
    write_parquet(folder / "1.parquet", "SELECT 10 AS id")
    path = tmp_path / "test.duckdb"
    messages = [
        schema(PROPERTIES, ["id"]),
        batch(f"local://{folder}/1.jsonl"),
        batch(f"local://{folder}/1.parquet", kind=PARQUET),
    ]
    config = {"batch_config": {"storage": {"root": f"local://{folder}"}}} if storage else {}
    load(path, messages, **config)
    assert query(path, "SELECT id FROM items ORDER BY id") == [(9,), (10,)]
    assert files(folder) == ["1.jsonl", "1.parquet"]


@pytest.mark.parametrize("scheme", ["http", "s3", "ftp", "nothing"])
def test_what_gives_access_to_a_file_is_not_told(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://somebody:hunter2@127.0.0.1:9/x.jsonl?signature=5e4fee"
    with pytest.raises(BatchError, match=rf"{scheme}://127\.0\.0\.1:9/x\.jsonl: ") as raised:
        load(tmp_path / "w.duckdb", [schema(PROPERTIES, ["id"]), batch(url)])
    assert not any(secret in str(raised.value) for secret in ("somebody", "hunter2", "5e4fee"))
