"""Snapshots in a folder and in a bucket: whole, one at a time, no more of them than are kept."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import obstore
import pytest
from obstore.store import MemoryStore

from target_duckdb.parquet import places
from target_duckdb.parquet.cli import main
from target_duckdb.parquet.manifest import CURRENT, SNAPSHOTS
from target_duckdb.parquet.places import (
    Bucket,
    Folder,
    PlaceError,
    PlaceSettingError,
    Versioned,
    at,
)
from target_duckdb.parquet.publish import CleaningError, Options, PublishParquetError, publish
from target_duckdb.parquet.tables import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from target_duckdb.parquet.places import Place

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = Options(["kizen", "marts"], keep=2)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA marts; CREATE SCHEMA kizen; CREATE SCHEMA staging")
        opened.execute("CREATE TABLE marts.contacts AS SELECT 1 AS generation, 'a' AS name")
        opened.execute("CREATE TABLE kizen.companies AS FROM range(10) t(id)")
        opened.execute("CREATE VIEW marts.names AS SELECT name FROM marts.contacts")
        opened.execute("CREATE TABLE staging.hidden AS SELECT 1 AS id")
        yield opened


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Folder(tmp_path / "out") if request.param == "folder" else Bucket("m", MemoryStore())


def run(connection: duckdb.DuckDBPyConnection, place: Place, options: Options = OPTIONS) -> str:
    return publish(connection, place, options, lambda _line: None).snapshot.snapshot


def change(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("UPDATE marts.contacts SET generation = generation + 1")


def manifest(place: Place) -> dict[str, Any]:
    found = place.read(CURRENT)
    assert found is not None
    value: dict[str, Any] = json.loads(found.content)
    return value


def written(place: Place) -> dict[str, str]:
    """The snapshot that each table was written in."""
    return {f"{t['schema']}.{t['name']}": t["snapshot"] for t in manifest(place)["tables"]}


def needed(place: Place) -> set[str]:
    """All files that the current manifest and those of kept snapshots name."""
    current, paths = manifest(place), set()
    for snapshot in (current, *current["earlier"]):
        path = f"{SNAPSHOTS}/{snapshot['snapshot']}/{CURRENT}"
        found = place.read(path)
        assert found is not None
        tables = json.loads(found.content)["tables"]
        paths |= {path, *(file["path"] for table in tables for file in table["files"])}
    return paths


def test_only_what_changed_is_written_and_only_what_is_kept_stays(
    connection: duckdb.DuckDBPyConnection, place: Place
) -> None:
    names = [run(connection, place)]
    assert written(place) == dict.fromkeys(
        ["kizen.companies", "marts.contacts", "marts.names"], names[0]
    )
    for _ in range(4):
        change(connection)
        names.append(run(connection, place))
        assert written(place) == {
            "kizen.companies": names[0], "marts.contacts": names[-1], "marts.names": names[0],
        }  # fmt: skip
        assert place.sizes(SNAPSHOTS).keys() == needed(place)
    assert [each["snapshot"] for each in manifest(place)["earlier"]] == [names[3], names[2]]
    # The first one is gone, but for the tables that have not changed since.
    first = sorted(path for path in place.sizes(SNAPSHOTS) if names[0] in path)
    assert [path.split("/")[2] for path in first] == ["kizen.companies", "marts.names"]


def test_the_manifest_says_what_there_is(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.execute('CREATE TABLE kizen."été/2026" AS SELECT 1 AS "é" WHERE false')
    connection.execute('CREATE TABLE kizen."_ete_2026" (x STRUCT(y HUGEINT))')
    place = Folder(tmp_path / "out")
    run(connection, place)
    tables = {table["name"]: table for table in manifest(place)["tables"]}
    assert tables["contacts"]["columns"] == [
        {"name": "generation", "type": "INTEGER", "parquet_type": "INTEGER"},
        {"name": "name", "type": "VARCHAR", "parquet_type": "VARCHAR"},
    ]
    assert tables["_ete_2026"]["columns"][0]["parquet_type"] == "STRUCT(y VARCHAR)"
    directories = [Path(table["directory"]).name for table in tables.values()]
    assert len(set(directories)) == len(directories)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) for name in directories)
    for table in tables.values():
        files = [str(tmp_path / "out" / file["path"]) for file in table["files"]]
        assert duckdb.read_parquet(files).columns == [each["name"] for each in table["columns"]]
        assert sum(Path(file).stat().st_size for file in files) == sum(
            file["bytes"] for file in table["files"]
        )
        assert len(duckdb.read_parquet(files)) == table["rows"]
    assert tables["été/2026"]["rows"] == 0


def test_a_large_table_is_several_files(
    connection: duckdb.DuckDBPyConnection, place: Place
) -> None:
    connection.execute("CREATE TABLE marts.large AS SELECT hash(i) AS h FROM range(600000) t(i)")
    run(connection, place, Options(["marts"], file_bytes=1 << 20))
    (table,) = (each for each in manifest(place)["tables"] if each["name"] == "large")
    assert len(table["files"]) > 1
    assert sum(file["rows"] for file in table["files"]) == table["rows"] == 600_000
    sizes = place.sizes(table["directory"])
    assert {file["path"]: file["bytes"] for file in table["files"]} == sizes


def test_what_a_killed_publisher_left_goes_and_what_somebody_removed_is_written_anew(
    connection: duckdb.DuckDBPyConnection, place: Place
) -> None:
    names = [run(connection, place)]
    place.add(f"{SNAPSHOTS}/20200101T000000Z-00000000/marts.contacts/data_0.parquet", b"half")
    (companies, *_) = manifest(place)["tables"]
    place.remove([companies["files"][0]["path"]])
    names.append(run(connection, place))
    assert written(place)["kizen.companies"] == names[1]
    assert written(place)["marts.contacts"] == names[0]
    # The first snapshot lacks a file, and nothing can bring it back.
    assert place.sizes(SNAPSHOTS).keys() == needed(place) - {companies["files"][0]["path"]}


class Slow:
    """A place on whose way another publisher publishes before the manifest is replaced."""

    def __init__(self, place: Place, others: Iterable[Any]) -> None:
        self._place, self._others = place, others

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)

    def replace(self, path: str, content: bytes, before: Versioned | None) -> None:
        for other in self._others:
            other()
        self._place.replace(path, content, before)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_publishers_one_is_told_and_leaves_nothing(
    connection: duckdb.DuckDBPyConnection, place: Place, *, is_first: bool
) -> None:
    if not is_first:
        run(connection, place)
    change(connection)
    names: list[str] = []
    slow = Slow(place, [lambda: names.append(run(connection, place))] * 2)
    with pytest.raises(PublishParquetError, match="another publisher has replaced"):
        run(connection, cast("Place", slow))
    assert manifest(place)["snapshot"] == names[-1]
    assert place.sizes(SNAPSHOTS).keys() == needed(place)


def test_a_failure_leaves_nothing_behind_and_what_was_published_stays(
    connection: duckdb.DuckDBPyConnection, place: Place
) -> None:
    name = run(connection, place)
    there = place.sizes(SNAPSHOTS)
    change(connection)
    connection.execute(
        "CREATE VIEW marts.zero AS SELECT CAST('x' || generation AS INTEGER) AS z "
        "FROM marts.contacts"
    )
    with pytest.raises(TableError, match=r"^marts\.zero cannot be written: Conversion Error"):
        run(connection, place)
    assert (manifest(place)["snapshot"], place.sizes(SNAPSHOTS)) == (name, there)
    with pytest.raises(PublishParquetError, match="PARQUET_SCHEMAS"):
        run(connection, place, Options(["nothing"]))


def test_what_cannot_be_removed_is_told_and_the_snapshot_counts(
    connection: duckdb.DuckDBPyConnection, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(["marts"], keep=0)
    run(connection, place, options)

    def refuse(_self: Place, _paths: Iterable[str]) -> None:
        message = "no right to remove"
        raise PlaceError(message)

    change(connection)
    with monkeypatch.context() as patched:
        patched.setattr(type(place), "remove", refuse)
        with pytest.raises(CleaningError, match=r"is published, but .* no right to remove"):
            run(connection, place, options)
    assert len(place.sizes(SNAPSHOTS)) == 5
    run(connection, place, options)
    assert place.sizes(SNAPSHOTS).keys() == needed(place)


def test_a_manifest_of_something_else_is_left_alone(
    connection: duckdb.DuckDBPyConnection, place: Place
) -> None:
    for content, why in ((b"[]", "is no manifest"), (b'{"format": 2}', "has format 2")):
        place.replace(CURRENT, content, place.read(CURRENT))
        with pytest.raises(Exception, match=why):
            run(connection, place)
        assert place.sizes(SNAPSHOTS) == {}


def database(path: Path) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.contacts AS SELECT 1 AS id")
    return path


def test_the_program_takes_the_published_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    database(tmp_path / "warehouse.duckdb")
    monkeypatch.setenv("DUCKDB_PUBLISH_DIR", str(tmp_path))
    monkeypatch.setenv("DUCKDB_PATH", "/written/elsewhere/warehouse.duckdb")
    monkeypatch.setenv("PARQUET_URL", (tmp_path / "a folder").as_uri())
    assert main([]) == 0
    said = capsysbinary.readouterr().out.decode()
    assert re.search(r"^marts\.contacts: 1 rows, 1 file, \S+ MB$", said, re.MULTILINE)
    assert f"{tmp_path}/a folder: snapshot " in said
    assert manifest(Folder(tmp_path / "a folder"))["tables"][0]["name"] == "contacts"
    monkeypatch.setenv("PARQUET_KEEP", "0")
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert b"PARQUET_KEEP must be a whole number above 0" in capsysbinary.readouterr().err


WRONG = {
    "s3://AKIDX:hunter2@bucket/x": "no user, key or password",
    "s3://hunter2@bucket/x": "no user, key or password",
    "az://container/x?sv=1&sig=hunter2": "nothing after",
    "s3:///x": "names no bucket",
    "ftp://host/x": "not ftp",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_url_is_named_without_its_keys(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(database(tmp_path / "x.duckdb")), url]) == 2
    said = capsys.readouterr().err
    assert said.startswith("parquet-publish: PARQUET_URL ")
    assert WRONG[url] in said
    assert "hunter2" not in said


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "abfss"])
def test_each_store_is_known(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    assert at(f"{scheme}://bucket/a/prefix/").name == f"{scheme}://bucket/a/prefix"


def test_an_address_without_tls_is_wanted_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(PlaceSettingError, match="AWS_ALLOW_HTTP=true"):
        at("s3://bucket")


def test_a_store_that_is_down_is_told_in_one_line_without_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(places, "_TRIES", 1)
    monkeypatch.setattr(places, "RETRIES", 1)
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "AKIDINVENTED", "AWS_SECRET_ACCESS_KEY": "hunter2hunter2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert main([str(database(tmp_path / "x.duckdb")), "s3://bucket/x"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("parquet-publish: s3://bucket/x/manifest.json: ")
    assert "hunter2" not in line
    assert "AKIDINVENTED" not in line


def test_words_of_a_store_hold_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_SAS_KEY", "sv=2026&sig=hunter2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDINVENTED")
    error = OSError(
        "Error performing PUT https://a.blob.core.windows.net/c/x?sv=2026&sig=other%3D in 1 s: "
        "AKIDINVENTED sv=2026&sig=hunter2\nDebug source: hunter2"
    )
    words = places._words(error)  # noqa: SLF001 - what hides keys is tested at its root
    assert words == ("Error performing PUT https://a.blob.core.windows.net/c/x?… in 1 s: … …")
    xml = "<Error><Code>NoSuchBucket</Code><Message>None.</Message><Key>hunter2</Key></Error>"
    assert places._words(OSError(f"body: {xml}")) == "NoSuchBucket: None."  # noqa: SLF001


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("obstore", "obstore.store", "obstore.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PlaceSettingError, match=r"pip install 'kananas-kizen-elt\[parquet\]'"):
        at("s3://bucket")
    # A folder needs no package.
    assert at("/a/folder").name == "/a/folder"


def test_a_request_whose_response_was_lost_has_replaced_the_manifest() -> None:
    store = MemoryStore()
    place = Bucket("m", store)
    place.replace(CURRENT, b"1", None)
    before = place.read(CURRENT)
    obstore.put(store, CURRENT, b"2")
    place.replace(CURRENT, b"2", before)
    place.replace(CURRENT, b"2", None)


def test_a_terminated_publisher_removes_what_it_wrote(tmp_path: Path) -> None:
    source, out = tmp_path / "x.duckdb", tmp_path / "out"
    with duckdb.connect(str(source)) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.a AS SELECT 1 AS id")
        connection.execute("CREATE VIEW marts.z AS SELECT count(*) AS n FROM range(1000000000000)")
    command = [sys.executable, "-m", "target_duckdb.parquet.cli", str(source), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("marts.a: 1 rows")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    assert [path for path in out.rglob("*") if path.is_file()] == []
