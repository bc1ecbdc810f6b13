"""The command: settings, exit codes, logs, metrics, metadata columns."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from target_duckdb.errors import TargetError
from target_duckdb.message_errors import RecordError, SchemaError
from target_duckdb.target import TargetDuckDB
from tests.programs import run_command
from tests.target_duckdb.helpers import (
    COMMAND,
    command,
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

    from tests.programs import Outcome

ID = {"id": {"type": "integer"}, "v": {"type": ["string", "null"]}}
MESSAGES: list[Any] = [schema(ID, ["id"]), record({"id": 1, "v": "a"}), state({"a": 1})]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, **options
    )


def in_this_process(*arguments: str) -> Outcome:
    """Do the same for a command that reads no message; Python and the SDK are loaded already."""
    return run_command(TargetDuckDB, "target-duckdb", *arguments)


def test_about() -> None:
    done = in_this_process("--about", "--format=json")
    assert done.code == 0
    about = json.loads(done.out)
    assert about["name"] == "target-duckdb"
    settings = about["settings"]["properties"]
    assert about["settings"]["required"] == ["path"]
    assert settings["load_method"]["default"] == "upsert"
    assert {"hard-delete", "batch", "activate-version"} <= set(about["capabilities"])
    undescribed = [name for name, one in settings.items() if not one.get("description")]
    assert undescribed == []


def test_version() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("target-duckdb v")


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    done = command(path, MESSAGES)
    assert (done.returncode, done.stdout) == (0, '{"a": 1}\n')
    assert query(path, "SELECT * FROM items") == [(1, "a")]
    assert '"metric":"record_count","value":1' in done.stderr
    assert files(tmp_path) == ["test.duckdb"]


@pytest.mark.parametrize("text", [None, "{", "[1]", "", "\xff"])
def test_a_settings_file_that_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    file = tmp_path / "config.json"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    with pytest.raises(SystemExit) as end:
        TargetDuckDB.cli.main(["--config", str(file)], prog_name="target-duckdb")
    assert end.value.code == 2
    (line,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "ERROR"]
    assert line.startswith(f"Wrong settings: --config '{file}'")
    assert "\n" not in line


def test_where_meltano_puts_settings_is_closed_to_others(tmp_path: Path) -> None:
    of_meltano, of_others = tmp_path / ".meltano" / "run" / "target", tmp_path / "run" / "target"
    for folder in (of_meltano, of_others):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "config.json").write_text("{}", encoding="utf-8")
        assert in_this_process("--config", str(folder / "config.json")).code == 2
    assert of_meltano.stat().st_mode & 0o777 == 0o700
    assert of_others.stat().st_mode & 0o777 == 0o755


def test_settings_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "test.duckdb"
    environment = {
        **os.environ,
        "TARGET_DUCKDB_PATH": str(path),
        "TARGET_DUCKDB_DEFAULT_TARGET_SCHEMA": "raw",
        "TARGET_DUCKDB_ADD_RECORD_METADATA": "true",
    }
    text = lines(MESSAGES).decode()
    done = run("--config=ENV", input=text, env=environment)
    assert done.returncode == 0, done.stderr
    assert query(path, "SELECT id, _sdc_sequence > 0 FROM raw.items") == [(1, True)]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({}, "setting 'path' is missing or empty: name the DuckDB file (environment variable"),
        ({"path": None}, "TARGET_DUCKDB_PATH, below Meltano DUCKDB_PATH)"),
        ({"path": ""}, "setting 'path' is missing or empty"),
        ({"path": " "}, "setting 'path' is missing or empty"),
        ({"path": 5}, "config['path']"),
        ({"path": "a?b.duckdb"}, "setting 'path': DuckDB takes no '?' in the name of a file"),
        ({"path": "of?/x.duckdb"}, "setting 'path': DuckDB takes no '?' in the name of a file"),
        ({"path": "x" * 300}, "setting 'path' is no name of a file here"),
        ({"path": "x\0.duckdb"}, "setting 'path' is no name of a file here: 'x\\x00.duckdb'"),
        ({"path": "\ud800.duckdb"}, "setting 'path' is no name of a file here"),
        ({"path": "~no-such-user/x.duckdb"}, "setting 'path' is no name of a file here"),
        ({"path": "new/"}, "setting 'path' names a folder, where a file in it was due: new/"),
        ({"path": "s3://bucket/x.duckdb"}, "setting 'path' begins with 's3:'"),
        ({"path": "sqlite:x.db"}, "setting 'path' begins with 'sqlite:'"),
        ({"path": ":memory:x"}, "setting 'path' begins with ':memory:'"),
        ({"path": ".."}, "setting 'path' names a folder, where a file in it was due: .."),
        ({"path": "x.duckdb", "load_method": "merge"}, "'merge' is not one of"),
        ({"path": "x.duckdb", "batch_size_rows": 0}, "batch_size_rows"),
        ({"path": "x.duckdb", "on_invalid_record": "ignore"}, "on_invalid_record"),
        ({"path": "x.duckdb", "lock_timeout": "long"}, "lock_timeout"),
        (
            {"path": "x.duckdb", "database": "temp"},
            "setting 'database': DuckDB keeps the name 'temp'",
        ),
        (
            {"path": "x.duckdb", "default_target_schema": "Information_Schema"},
            "setting 'default_target_schema': DuckDB keeps the name 'Information_Schema'",
        ),
    ],
)
def test_wrong_settings_end_with_two(tmp_path: Path, config: Any, named: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = in_this_process("--config", str(tmp_path / "config.json"))
    assert done.code == 2
    assert named in done.err
    assert "Traceback" not in done.err
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    "name",
    [
        "a#b.duckdb",
        "a%20b.duckdb",
        "a b.duckdb",
        " ",
        "it's.duckdb",
        'a"b.duckdb',
        "a;b.duckdb",
        "a\nb.duckdb",
        "é中😀.duckdb",
        "x*[1].duckdb",
        pytest.param(
            "back\\slash.duckdb",
            marks=pytest.mark.skipif(
                duckdb.__version__ >= "2", reason="DuckDB 2 takes a backslash for a slash"
            ),
        ),
        "-",
        "temp",
        "main.duckdb",
        ".duckdb",
    ],
)
def test_a_file_may_have_almost_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"in {name}"
    load(folder / name, MESSAGES)
    load(folder / name, [*MESSAGES[:1], record({"id": 2, "name": "b"})])
    assert query(folder / name, "SELECT id FROM main.items ORDER BY id") == [(1,), (2,)]
    assert [file.name for file in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settings", "motherduck_token=hidden"),
        ("batch_config", '{"storage": {"root": "s3://key:hidden@bucket"}'),
        ("stream_map_config", '{"hash_seed": "hidden"'),
    ],
)
def test_a_wrong_setting_does_not_show_secrets(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"path": "x.duckdb", name: value}))
    done = in_this_process("--config", str(tmp_path / "config.json"))
    assert done.code == 2
    assert f"config['{name}'] is of a wrong type" in done.err
    assert "hidden" not in done.err
    assert "Traceback" not in done.err


def test_an_option_that_duckdb_refuses_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="refuses the settings 'settings'") as raised:
        load(tmp_path / "x.duckdb", MESSAGES, settings={"threads": "hidden"})
    assert "hidden" not in str(raised.value)


def test_settings_that_are_empty_are_not_given(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, MESSAGES, default_target_schema=None, load_method="upsert", max_memory=None)
    load(path, MESSAGES, default_target_schema="", batch_size_rows=None)
    assert query(path, "SELECT * FROM main.items") == [(1, "a")]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    (tmp_path / "config.json").write_text(json.dumps({"path": str(path)}))
    rows = [record({"id": n, "v": "x" * 1000}) for n in range(3_000)]
    done = subprocess.run(
        [sys.executable, "-c", limit + COMMAND[-1], "--config", str(tmp_path / "config.json")],
        input=lines([schema(ID, ["id"]), *rows, state(1)]),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr
    assert b"cannot write to" in done.stderr.splitlines()[-1]
    assert files(tmp_path) == ["config.json"]


def test_two_at_the_same_time_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    settings = {"path": str(path), "batch_size_rows": 10, "default_target_schema": "raw"}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    running = []
    for stream in ("left", "right"):
        messages: list[Any] = [schema(ID, ["id"], stream=stream)]
        for n in range(100):
            messages += [record({"id": n, "v": stream}, stream=stream), state({stream: n})]
        (tmp_path / stream).write_bytes(lines(messages))
        with (tmp_path / stream).open("rb") as source, (tmp_path / "log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    [*COMMAND, "--config", str(tmp_path / "config.json")],
                    stdin=source,
                    stdout=log,
                    stderr=log,
                )
            )
    assert [one.wait() for one in running] == [0, 0]
    both = "SELECT (SELECT count(*) FROM raw.left), (SELECT count(*) FROM raw.right)"
    assert query(path, both) == [(100, 100)]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"settings": {"threads": "many"}}, "'settings' or 'max_memory'"),
        ({"max_memory": "1KB"}, "'settings' or 'max_memory'"),
        ({"settings": {"no_such_option": 1}}, "'settings' or 'max_memory'"),
        ({"max_memory": "lots"}, "'settings' or 'max_memory'"),
    ],
)
def test_options_duckdb_refuses(tmp_path: Path, config: Any, named: str) -> None:
    with pytest.raises(TargetError, match=named):
        load(tmp_path / "test.duckdb", MESSAGES, **config)


def test_path_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    path.write_text("something else entirely, long enough to be looked at" * 100)
    with pytest.raises(TargetError, match="'path'"):
        load(path, MESSAGES)
    with pytest.raises(TargetError, match="'path'"):
        load(tmp_path, MESSAGES)
    done = command(path, MESSAGES)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_duckdb_options(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    rows = [record({"id": n, "v": "x" * 1000}) for n in range(20_000)]
    options = {"threads": 1, "preserve_insertion_order": False}
    load(path, [schema(ID, ["id"]), *rows], settings=options, max_memory="60MB")
    assert query(path, "SELECT count(*), sum(id) FROM items") == [(20_000, sum(range(20_000)))]


def test_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = TargetDuckDB(config={"path": ":memory:", "batch_size_rows": 1})
    target.process_lines(io.BytesIO(lines([*MESSAGES, record({"id": 2}), state(2)])))  # type: ignore[arg-type]
    found = target.database.connection.execute("SELECT id FROM target.main.items ORDER BY id")
    assert found.fetchall() == [(1,), (2,)]
    target.close()
    assert files(tmp_path) == []


METADATA = [
    "_sdc_extracted_at", "_sdc_received_at", "_sdc_batched_at", "_sdc_deleted_at",
    "_sdc_sequence", "_sdc_table_version", "_sdc_sync_started_at",
]  # fmt: skip


def test_metadata_columns(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    before = dt.datetime.now(tz=dt.timezone.utc)
    messages = [
        schema(ID, ["id"]),
        record({"id": 1}, time_extracted="2024-05-06T07:08:09.123456+02:00", version=7),
        record({"id": 2, "_sdc_sequence": "the tap's own"}),
    ]
    load(path, messages, add_record_metadata=True)
    after = dt.datetime.now(tz=dt.timezone.utc)
    assert list(types(path)) == ["id", "v", *METADATA]
    rows = query(
        path,
        "SELECT _sdc_extracted_at::VARCHAR, _sdc_table_version, _sdc_deleted_at::VARCHAR "
        "FROM items ORDER BY id",
    )
    assert rows == [("2024-05-06 05:08:09.123456+00", 7, None), (None, None, None)]
    between = (
        f"_sdc_received_at BETWEEN '{before}' AND '{after}' AND _sdc_batched_at >= '{before}' "
        f"AND _sdc_sequence BETWEEN {int(before.timestamp() * 1000)} "
        f"AND {int(after.timestamp() * 1000) + 1} "
        f"AND _sdc_sync_started_at BETWEEN {int(before.timestamp() * 1000)} "
        f"AND {int(after.timestamp() * 1000) + 1}"
    )
    assert query(path, f"SELECT count(*) FROM items WHERE {between}") == [(2,)]


@pytest.mark.parametrize("metadata", [False, True])
def test_metadata_a_record_claims_is_not_believed(tmp_path: Path, *, metadata: bool) -> None:
    path = tmp_path / "test.duckdb"
    claims = dict.fromkeys(set(METADATA) - {"_sdc_deleted_at"}, "no value for this column")
    messages = [schema(ID, ["id"]), record({"id": 1, **claims}), record({"id": 2, **claims})]
    load(path, [*messages, record({"id": 3, **claims}, version=5)], add_record_metadata=metadata)
    rows = query(path, "SELECT id, _sdc_table_version FROM items ORDER BY id")
    assert rows == [(1, None), (2, None), (3, 5)]
    if metadata:
        gone = {"id": 4, "_sdc_deleted_at": "2024-05-06T07:08:09Z"}
        load(path, [schema(ID, ["id"]), record(gone)], add_record_metadata=True)
        deleted = "SELECT id FROM items WHERE _sdc_deleted_at = '2024-05-06T07:08:09Z'"
        assert query(path, deleted) == [(4,)]
        wrong = record({"id": 5, "_sdc_deleted_at": "never"})
        with pytest.raises(RecordError, match="'_sdc_deleted_at'"):
            load(path, [schema(ID, ["id"]), wrong], add_record_metadata=True)


@pytest.mark.parametrize("time", ["", "yesterday", 1714979289, {"at": "now"}])
def test_a_time_of_extraction_that_cannot_be_read_costs_no_record(
    tmp_path: Path, time: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    rows = [record({"id": n}, time_extracted=time) for n in (1, 2)]
    load(path, [schema(ID, ["id"]), *rows], add_record_metadata=True)
    found = query(path, "SELECT id, _sdc_extracted_at FROM items ORDER BY id")
    assert found == [(1, None), (2, None)]
    assert caplog.text.count("'time_extracted' of messages cannot be read") == (time != "")


def test_a_property_that_metadata_hides_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.duckdb"
    hidden = {"_sdc_table_version": {"type": "integer"}}
    load(path, [schema({**ID, **hidden}, ["id"]), record({"id": 1, "_sdc_table_version": 5})])
    assert "metadata columns ('_sdc_table_version')" in caplog.text
    with pytest.raises(SchemaError, match="'_sdc_table_version' is called as a metadata column"):
        load(path, [schema({**ID, **hidden}, ["_sdc_table_version"])])


def test_metadata_can_be_added_to_a_table_later(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, MESSAGES)
    load(path, MESSAGES, add_record_metadata=True)
    load(path, MESSAGES)
    assert list(types(path)) == ["id", "v", *METADATA]


def test_the_end_of_the_program_takes_no_look_at_all_modules(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"path": str(tmp_path / "test.duckdb")}))
    told = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count()));"
    *python, code = COMMAND
    for messages, is_spared in ((MESSAGES, True), ([*MESSAGES, "{"], False)):
        done = subprocess.run(
            [*python, told + code, "--config", str(tmp_path / "config.json")],
            input=lines(messages),
            capture_output=True,
            check=False,
        )
        assert (done.returncode == 0) == is_spared
        assert (int(done.stdout.splitlines()[-1]) > 10_000) == is_spared


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_a_state_comes_out_as_it_came_whatever_the_locale(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"path": str(tmp_path / "test.duckdb")}))
    value = '{"clé": "10 €"}'
    done = subprocess.run(
        [*COMMAND, "--config", str(tmp_path / "config.json")],
        input=lines([*MESSAGES, f'{{"type": "STATE", "value": {value}}}']),
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{value}\n".encode()


def test_the_file_is_not_locked_while_records_are_awaited(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    load(path, MESSAGES)
    (tmp_path / "config.json").write_text(json.dumps({"path": str(path)}))
    with subprocess.Popen(
        [*COMMAND, "--config", str(tmp_path / "config.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as target:
        assert target.stdin is not None
        assert target.stderr is not None
        target.stdin.write(lines([schema(ID, ["id"]), record({"id": 2, "unknown": 1})]))
        target.stdin.flush()
        # The warning tells that the record has been read.
        while b"schema lacks" not in target.stderr.readline():
            assert target.poll() is None
        with duckdb.connect(str(path)) as writer:
            writer.execute("CREATE TABLE meanwhile AS SELECT 1 AS one")
        target.stdin.close()
        target.stderr.read()
        assert target.wait() == 0
    assert query(path, "SELECT id FROM items, meanwhile ORDER BY id") == [(1,), (2,)]


def test_an_address_of_motherduck_needs_a_database(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"path": "md:"}))
    given = lines(MESSAGES).decode()
    done = run("--config", str(tmp_path / "config.json"), input=given)
    assert done.returncode == 2
    assert "setting 'path' names no database: write 'md:name'" in done.stderr.splitlines()[-1]
