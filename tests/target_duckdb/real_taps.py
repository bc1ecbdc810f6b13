"""`make check-real-taps`: taps of others, over real databases, loaded and compared value by value.

A PostgreSQL and a MariaDB are started on the loopback in a temporary folder, and stopped at the
end. Each tap loads tables of all common types whole, by a replication key, and from the log with
deletes. After each run every value in DuckDB has to be what the database itself says. At last our
own tap, over the sandbox, is loaded by `target-postgres` and by `target-duckdb`: equal rows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sandbox.credentials import Credentials
from sandbox.options import Options
from sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

ROOT = Path(__file__).parents[2]
NEEDED = "apt-get install postgresql postgresql-15-wal2json mariadb-server-core mariadb-client-core"
PASSWORD = "check"
WAIT_SECONDS = 60

POSTGRES_TYPES = """
    id bigint PRIMARY KEY, small smallint, whole integer, big bigint, exact numeric(20,4),
    long numeric(38,0), real8 double precision, real4 real, yes boolean, txt text,
    var varchar(40), fixed char(5), day date, moment timestamp, zoned timestamptz, clock time,
    ident uuid, doc json, docb jsonb, updated_at timestamp NOT NULL
"""
# A json that is a mere text or number breaks the schema of the taps, which say object or array.
POSTGRES_ROWS = """
    (1, 1, 1, 1, 1.5, 1, 1.5, 0.5, true, 'plain', 'var', 'abcde', '2024-05-06',
     '2024-05-06 07:08:09.123456', '2024-05-06 07:08:09.5+02', '07:08:09',
     '6f9619ff-8b86-d011-b42d-00c04fc964ff', '{"a": [1, 2.5, null]}', '{"b": {"c": "ü"}}',
     '2024-01-01 00:00:01'),
    (2, 32767, 2147483647, 9223372036854775807, 9999999999999999.9999,
     12345678901234567890123456789012345678, 1e300, -0.25, false,
     E'quote " comma , line\\nbreak \\\\', '東京 😀', '', '1970-01-01',
     '1999-12-31 23:59:59', '1999-12-31 23:59:59+00', '23:59:59',
     '00000000-0000-0000-0000-000000000000', '[]', '{}', '2024-01-01 00:00:02'),
    (3, -32768, -2147483648, -9223372036854775808, -0.0001, -1, -1.5e-300, 0, null, '', '', 'x',
     '2999-12-31', '2999-12-31 00:00:00', '2999-12-31 00:00:00+00', '00:00:00',
     'ffffffff-ffff-ffff-ffff-ffffffffffff', '[{"x": "y"}]', '[1]', '2024-01-01 00:00:03'),
    (9223372036854775807, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, null, '2024-01-01 00:00:04')
"""
MARIADB_TYPES = """
    id bigint PRIMARY KEY, tiny tinyint, small smallint, medium mediumint, whole int, big bigint,
    ubig bigint unsigned, exact decimal(20,4), real8 double, real4 float, yes tinyint(1), txt text,
    var varchar(40), fixed char(5), day date, moment datetime, zoned timestamp NULL,
    choice enum('a', 'b'), updated_at datetime NOT NULL
"""
MARIADB_ROWS = """
    (1, 1, 1, 1, 1, 1, 1, 1.5, 1.5, 0.5, 1, 'plain', 'var', 'abcde', '2024-05-06',
     '2024-05-06 07:08:09', '2024-05-06 07:08:09', 'a', '2024-01-01 00:00:01'),
    (2, 127, 32767, 8388607, 2147483647, 9223372036854775807, 9223372036854775807,
     9999999999999999.9999, 1e300, -0.25, 0, 'quote " comma , line\\nbreak \\\\', '東京 😀', '',
     '1970-01-01', '1999-12-31 23:59:59', '1999-12-31 23:59:59', 'b', '2024-01-01 00:00:02'),
    (3, -128, -32768, -8388608, -2147483648, -9223372036854775808, 0, -0.0001, -1.5e-300, 0, null,
     '', '', 'x', '2999-12-31', '2999-12-31 00:00:00', null, null, '2024-01-01 00:00:03'),
    (9223372036854775807, null, null, null, null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, '2024-01-01 00:00:04')
"""
CHANGES = [
    "INSERT INTO {table} (id, txt, updated_at) VALUES (50, 'new', '2024-02-01 00:00:01')",
    "UPDATE {table} SET txt = 'changed', updated_at = '2024-02-01 00:00:02' WHERE id = 2",
    "INSERT INTO {table} (id, txt, updated_at) VALUES (51, 'short', '2024-02-01 00:00:03')",
]
DELETES = [
    "DELETE FROM {table} WHERE id IN (1, 51)",
    "INSERT INTO {table} (id, txt, updated_at) VALUES (1, 'back', '2024-03-01 00:00:01')",
    "DELETE FROM {table} WHERE id = 3",
]


class CheckError(Exception):
    """Something is missing, failed, or differs."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(command: list[Any], given: bytes = b"", **others: Any) -> bytes:
    """Run a program; return what it prints."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        list(map(str, command)), input=given, capture_output=True, check=False, **others
    )
    if done.returncode:
        text = (done.stderr + done.stdout).decode(errors="replace")
        msg = f"{command[0]} ended with {done.returncode}:\n{text[-3000:]}"
        raise CheckError(msg)
    return done.stdout


def program(*names: str) -> str:
    """Where a program lies, also where Debian keeps those of servers."""
    folders = [
        *os.get_exec_path(),
        "/usr/sbin",
        *map(str, Path("/usr/lib/postgresql").glob("*/bin")),
    ]
    for name in names:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found is not None:
            return found
    msg = f"{names[0]} is missing: {NEEDED}"
    raise CheckError(msg)


def server_user() -> dict[str, Any]:
    """As whom servers run: PostgreSQL refuses root."""
    if os.getuid():
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    msg = "no user to run the servers as: postgres or nobody"
    raise CheckError(msg)


@contextlib.contextmanager
def started(command: list[Any], log: Path, is_ready: Callable[[], object]) -> Iterator[None]:
    """A server, until the end of the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=output, cwd="/", **server_user()
        ) as process,
    ):
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                try:
                    is_ready()
                    break
                except CheckError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        end = log.read_text(errors="replace")[-2000:]
                        msg = f"{command[0]} does not start:\n{end}"
                        raise CheckError(msg) from None
                time.sleep(0.2)
            yield
        finally:
            process.send_signal(signal.SIGINT if "postgres" in str(command[0]) else signal.SIGTERM)
            process.wait()


class Postgres:
    """A PostgreSQL of the check's own."""

    types, rows = POSTGRES_TYPES, POSTGRES_ROWS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.schema = "public"

    @contextlib.contextmanager
    def running(self) -> Iterator[Postgres]:
        data = self.folder / "data"
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if not os.getuid():
            for path in (self.folder, password):
                os.chown(path, server_user()["user"], server_user()["group"])
        run(
            [
                program("initdb"), "-D", data, "-U", "check", "-A", "scram-sha-256", "-E", "UTF8",
                "--locale=C.UTF-8", f"--pwfile={password}",
            ],
            cwd="/",
            **server_user(),
        )  # fmt: skip
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "wal_level": "logical",
            "unix_socket_directories": "", "fsync": "off", "timezone": "UTC",
        }  # fmt: skip
        command = [program("postgres"), "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with started(command, self.folder / "log", lambda: self.sql("SELECT 1")):
            yield self

    def sql(self, *statements: str) -> bytes:
        address = (
            f"postgresql://check:{PASSWORD}@127.0.0.1:{self.port}/postgres?client_encoding=UTF8"
        )
        command = [program("psql"), address, "-XqtA", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        return run(command)

    def content(self, table: str) -> list[dict[str, str | None]]:
        columns = json.loads(
            self.sql(
                "SELECT json_agg(column_name::text) FROM information_schema.columns "
                f"WHERE table_name = '{table}' AND table_schema = '{self.schema}'"
            )
        )
        # A mere cast to text would take the spaces of char(n) off.
        pairs = ", ".join(f"'{name}', to_json(\"{name}\") #>> '{{}}'" for name in columns)
        found: list[dict[str, str | None]] = json.loads(
            self.sql(
                f"SELECT coalesce(json_agg(json_build_object({pairs})), '[]') "
                f'FROM {self.schema}."{table}"'
            )
        )
        return found


class MariaDB:
    """A MariaDB of the check's own."""

    types, rows = MARIADB_TYPES, MARIADB_ROWS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @contextlib.contextmanager
    def running(self) -> Iterator[MariaDB]:
        if not os.getuid():
            os.chown(self.folder, server_user()["user"], server_user()["group"])
        data = self.folder / "data"
        common = ["--no-defaults", f"--datadir={data}"]
        run(
            [program("mariadb-install-db"), *common, "--auth-root-authentication-method=normal"],
            cwd="/",
            **server_user(),
        )
        setup = self.folder / "setup.sql"
        setup.write_text(
            "CREATE DATABASE source CHARACTER SET utf8mb4;"
            f"CREATE USER 'check'@'%' IDENTIFIED BY '{PASSWORD}';"
            "GRANT ALL ON *.* TO 'check'@'%';\n".replace(";", ";\n")
        )
        command = [
            program("mariadbd"), *common, f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--socket={self.folder / 'socket'}", f"--pid-file={self.folder / 'pid'}",
            "--server-id=1", "--log-bin=log", "--binlog-format=ROW", "--binlog-row-image=FULL",
            "--skip-name-resolve", "--default-time-zone=+00:00", f"--init-file={setup}",
            "--innodb-flush-log-at-trx-commit=0",
            "--character-set-server=utf8mb4",
        ]  # fmt: skip
        with started(command, self.folder / "log", lambda: self.sql("SELECT 1")):
            yield self

    def sql(self, *statements: str) -> bytes:
        command = [
            program("mariadb"), "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-ucheck",
            f"-p{PASSWORD}", "--default-character-set=utf8mb4", "-NBr", "source",
        ]  # fmt: skip
        return run(command, ";\n".join(statements).encode())

    def content(self, table: str) -> list[dict[str, str | None]]:
        columns = self.sql(
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_name = '{table}' AND table_schema = 'source'"
        ).decode().split()  # fmt: skip
        pairs = ", ".join(f"'{name}', CAST(`{name}` AS CHAR)" for name in columns)
        rows = self.sql(f"SELECT json_object({pairs}) FROM `{table}`").decode()
        return [json.loads(line) for line in rows.splitlines()]


# Comparison.


def normal(value: str | None) -> Any:
    """A value so that equal ones are equal, however a database writes them."""
    if value is None:
        return None
    with contextlib.suppress(InvalidOperation):
        return Decimal({"true": "1", "false": "0"}.get(value, value)).normalize()
    if value[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            return json.loads(value, parse_float=Decimal)
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T].*", value):
        value = re.sub(r"(\+00(:?00)?|Z)$", "", value.replace("T", " "))
        value = re.sub(r"(\.\d*?)0+$", r"\1", value).removesuffix(".")
        return value.removesuffix(" 00:00:00")
    return value


def in_duckdb(database: Path, table: str) -> list[dict[str, str | None]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "WHERE table_name = ? OR table_name LIKE '%-' || ?",
            [table, table],
        ).fetchall()
        if len(names) != 1:
            msg = f"one table {table} was due, there are {names}"
            raise CheckError(msg)
        cursor = connection.execute('SELECT COLUMNS(*)::VARCHAR FROM "{}"."{}"'.format(*names[0]))
        columns = [one[0] for one in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def compare(
    found: list[dict[str, str | None]],
    wanted: list[dict[str, str | None]],
    doubles: Collection[str] = (),
    json_texts: Collection[str] = (),
) -> int:
    """Complain of the first difference; return how many values are equal."""
    names = sorted({name for row in wanted for name in row})
    count = 0
    for key in ("found", "wanted"):
        rows = found if key == "found" else wanted
        rows.sort(key=lambda row: (str(row.get("id")), json.dumps(row, sort_keys=True)))
    if len(found) != len(wanted):
        ids = [[row.get("id") for row in rows] for rows in (found, wanted)]
        msg = f"{len(found)} rows, {len(wanted)} were due: {ids[0]}, {ids[1]}"
        raise CheckError(msg)
    for row, source in zip(found, wanted, strict=True):
        for name in names:
            if name not in row and source[name] is None:
                continue
            values = [normal(row.get(name)), normal(source[name])]
            text = row.get(name)
            if name in json_texts and text is not None:
                values[0] = normal(json.loads(text))
            if name in doubles:
                values = [None if one is None else float(one) for one in values]
            if values[0] != values[1]:
                msg = f"id {source.get('id')}, {name}: {row.get(name)!r}, {source[name]!r} was due"
                raise CheckError(msg)
            count += 1
    return count


# Taps.


class Tap:
    """A tap over one table, and the loader behind it."""

    def __init__(
        self, executable: Path, folder: Path, config: dict[str, Any], load_method: str = "upsert"
    ) -> None:
        self.executable = executable
        self.folder = folder
        self.database = folder / "loaded.duckdb"
        folder.mkdir()
        (folder / "tap.json").write_text(json.dumps(config))
        (folder / "target.json").write_text(
            json.dumps(
                {"path": str(self.database), "hard_delete": True, "load_method": load_method}
            )
        )

    def catalog(self, table: str, method: str) -> None:
        """Choose a table and how it is replicated."""
        command = [self.executable, "--config", self.folder / "tap.json", "--discover"]
        catalog = json.loads(run(command))
        streams = [
            one
            for one in catalog["streams"]
            if one["tap_stream_id"].split("-")[-1] == table or one.get("table_name") == table
        ]
        if len(streams) != 1:
            msg = f"the tap finds {len(streams)} tables {table}"
            raise CheckError(msg)
        chosen = {"selected": True, "replication-method": method}
        if method == "INCREMENTAL":
            chosen["replication-key"] = "updated_at"
            streams[0]["replication_key"] = "updated_at"
        streams[0]["replication_method"] = method
        for entry in streams[0]["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"].update(chosen)
            else:
                entry["metadata"]["selected"] = True
        (self.folder / "catalog.json").write_text(json.dumps({"streams": streams}))

    def load(self) -> None:
        """Run tap and loader once, from the state of the last time."""
        state = self.folder / "state.json"
        command = [self.executable, "--config", self.folder / "tap.json"]
        command += ["--catalog", self.folder / "catalog.json"]
        if state.exists():
            command += ["--state", state]
        messages = run(command)
        (self.folder / "messages").write_bytes(messages)
        states = run(
            [sys.executable, "-m", "target_duckdb", "--config", self.folder / "target.json"],
            messages,
            cwd=ROOT,
        )
        if states:
            state.write_bytes(states.splitlines()[-1])


@dataclass(frozen=True)
class Logged:
    """What a tap itself makes of values that it reads from the log of changes.

    Attributes:
        doubles: Columns whose numbers it reads as floats.
        json_texts: Columns whose JSON it sends as a text.
        before: Statements that take values away which it would damage beyond its own schema.
    """

    doubles: tuple[str, ...] = ()
    json_texts: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def check_tap(
    name: str,
    make: Callable[[str, str], Tap],
    server: Postgres | MariaDB,
    doubles: tuple[str, ...] = (),
    logged: Logged | None = None,
) -> None:
    """Load whole, by a replication key and from the log."""
    usual, logged = Logged(doubles), logged or Logged(doubles)
    for method, table in (
        ("FULL_TABLE", "whole_table"),
        ("INCREMENTAL", "incremental_table"),
        ("LOG_BASED", "logged_table"),
    ):
        known = logged if method == "LOG_BASED" else usual
        server.sql(
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {table} ({server.types})",
            f"INSERT INTO {table} VALUES {server.rows}",
            *[one.format(table=table) for one in known.before],
        )
        tap = make(method, table)
        tap.catalog(table, method)
        steps = [[], CHANGES] if method == "INCREMENTAL" else [[], CHANGES, DELETES]
        count = 0
        for statements in steps:
            server.sql(*[one.format(table=table) for one in statements] or ["SELECT 1"])
            try:
                tap.load()
                found = in_duckdb(tap.database, table)
                count += compare(found, server.content(table), known.doubles, known.json_texts)
            except CheckError as error:
                msg = f"{name}, {method}, run {steps.index(statements) + 1}: {error}"
                raise CheckError(msg) from None
        print(f"{name}, {method}: {len(steps)} runs, {count} values equal", flush=True)


def check_own_taps(executable: Path, folder: Path, server: Postgres) -> None:
    """Our taps by `target-postgres` and by `target-duckdb`: equal rows."""
    folder.mkdir()
    credentials = Credentials.from_environment()
    with running(Options(contacts=60, companies=25)) as sandbox:
        (folder / "tap.json").write_text(
            json.dumps(
                {
                    "api_url": sandbox.kizen_url,
                    "api_key": credentials.kizen_api_key,
                    "user_id": credentials.kizen_user_id,
                    "business_id": credentials.kizen_business_id,
                }
            )
        )
        tap = [sys.executable, "-m", "tap_kizen", "--config", folder / "tap.json"]
        messages = run(tap, cwd=ROOT)
    server.sql("CREATE SCHEMA kizen")
    address = {
        "host": "127.0.0.1", "port": server.port, "user": "check", "password": PASSWORD,
        "database": "postgres", "default_target_schema": "kizen", "hard_delete": True,
    }  # fmt: skip
    (folder / "postgres.json").write_text(json.dumps(address))
    database = folder / "loaded.duckdb"
    (folder / "duckdb.json").write_text(json.dumps({"path": str(database), "hard_delete": True}))
    run([executable, "--config", folder / "postgres.json"], messages)
    run(
        [sys.executable, "-m", "target_duckdb", "--config", folder / "duckdb.json"],
        messages,
        cwd=ROOT,
    )
    server.schema = "kizen"
    streams = {
        one["stream"] for one in map(json.loads, messages.splitlines()) if one["type"] == "SCHEMA"
    }
    for stream in sorted(streams):
        wanted = [
            # `target-postgres` keeps the null of a JSON column as a JSON null.
            {
                name: None if value == "null" else value
                for name, value in row.items()
                if not name.startswith("_sdc_")
            }
            for row in server.content(stream)
        ]
        found = in_duckdb(database, stream)
        try:
            count = compare(found, wanted)
        except CheckError as error:
            msg = f"tap-kizen, {stream}: target-postgres and target-duckdb differ: {error}"
            raise CheckError(msg) from None
        print(f"tap-kizen, {stream}: {len(wanted)} rows, {count} values equal", flush=True)


def passes(name: str, check: Callable[[], None]) -> bool:
    """Return whether a check went through, and print why not."""
    try:
        check()
    except CheckError as error:
        print(f"FAILED: {name}: {error}", flush=True)
        return False
    return True


def check_all(environments: Path, only: str) -> None:
    """Run all checks, or one of them."""

    def executable(package: str, name: str) -> Path:
        return environments / f".venv-real-{package}" / "bin" / name

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="real-taps-")))
        folder.chmod(0o755)
        for name in ("postgres", "mariadb"):
            (folder / name).mkdir()
        postgres = stack.enter_context(Postgres(folder / "postgres").running())
        address = {
            "host": "127.0.0.1", "port": postgres.port, "user": "check", "password": PASSWORD,
        }  # fmt: skip

        def meltanolabs(method: str, _: str) -> Tap:
            config = {
                **address, "database": "postgres", "filter_schemas": ["public"],
                "use_singer_decimal": True,
                "replication_slot_name": "meltanolabs", "replication_idle_exit_seconds": 3,
            }  # fmt: skip
            path = executable("meltanolabs-tap-postgres", "tap-postgres")
            # It sends no versions: a whole table has to replace the one before.
            load_method = "overwrite" if method == "FULL_TABLE" else "upsert"
            return Tap(path, folder / f"meltanolabs-{method}", config, load_method)

        def pipelinewise(method: str, _: str) -> Tap:
            config = {
                **address, "dbname": "postgres", "filter_schemas": "public",
                "logical_poll_total_seconds": 3,
            }  # fmt: skip
            path = executable("pipelinewise-tap-postgres", "tap-postgres")
            return Tap(path, folder / f"pipelinewise-{method}", config)

        def from_postgres(
            name: str,
            slot: str,
            make: Callable[[str, str], Tap],
            doubles: tuple[str, ...],
            logged: Logged,
        ) -> None:
            # A slot keeps all changes since it was made, also those of another tap's check.
            try:
                postgres.sql(f"SELECT pg_create_logical_replication_slot('{slot}', 'wal2json')")
            except CheckError as error:
                msg = f"wal2json cannot be used: {NEEDED}\n{error}"
                raise CheckError(msg) from None
            check_tap(name, make, postgres, doubles, logged)

        checks: dict[str, Callable[[], None]] = {
            "pipelinewise-tap-postgres": lambda: from_postgres(
                "pipelinewise-tap-postgres",
                "pipelinewise_postgres",
                pipelinewise,
                (),
                # 9999999999999999.9999 becomes 1e16, which the schema excludes: it is refused.
                Logged(
                    ("long",), (), ("UPDATE {table} SET exact = 99999999999.9999 WHERE id = 2",)
                ),
            ),
            # Its schema says of decimals no more than that they are numbers: they become DOUBLE.
            "meltanolabs-tap-postgres": lambda: from_postgres(
                "meltanolabs-tap-postgres",
                "meltanolabs",
                meltanolabs,
                ("exact", "long"),
                Logged(("exact", "long"), ("doc", "docb")),
            ),
        }

        def mysql() -> None:
            with MariaDB(folder / "mariadb").running() as mariadb:
                config = {
                    "host": "127.0.0.1", "port": str(mariadb.port), "user": "check",
                    "password": PASSWORD, "filter_dbs": "source", "engine": "mariadb",
                    # Without it the tap itself reads '?' for what has four bytes in UTF-8.
                    "session_sqls": ["SET NAMES utf8mb4", "SET @@session.time_zone = '+0:00'"],
                }  # fmt: skip
                path = executable("pipelinewise-tap-mysql", "tap-mysql")
                check_tap(
                    "pipelinewise-tap-mysql",
                    lambda method, _: Tap(path, folder / f"mysql-{method}", config),
                    mariadb,
                )

        checks["pipelinewise-tap-mysql"] = mysql
        path = executable("meltanolabs-target-postgres", "target-postgres")
        checks["target-postgres"] = lambda: check_own_taps(path, folder / "own", postgres)
        failed = [
            name for name, check in checks.items() if only in {"", name} and not passes(name, check)
        ]
        if failed:
            msg = f"not right: {', '.join(failed)}"
            raise CheckError(msg)


def main() -> int:
    """Run the checks; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="real_taps", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--environments", type=Path, default=ROOT, help="where those of taps lie")
    parser.add_argument("--only", default="", help="one of the taps, or target-postgres")
    options = parser.parse_args()
    # Told to stop, it stops its servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        check_all(options.environments, options.only)
    except CheckError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
