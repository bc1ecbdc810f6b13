"""`make check-s3`: publish to a real server of S3, while publishers are killed and requests fail.

Each round makes a database of a new generation, which every row of it names, and publishes it by
the program `parquet-publish`, through a proxy that lets requests fail. Most rounds kill the program
at a random moment; some let two of them publish at once; the others let it end. Readers fetch whole
snapshots all the time: the generations of the tables of each must be those of one database.

After each program that ended well there must be the files of its manifest and of those kept, and no
others. At the end other programs read the last snapshot: DuckDB, pandas and Polars from the server,
Spark from a folder. The seed is printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import obstore
from obstore.store import S3Store

from evaluation.spark import java_home
from target_duckdb.parquet.cli import main as publish_parquet
from target_duckdb.parquet.places import Bucket, ReplacedError, at
from tests.target_duckdb.parquet.proxy import Proxy
from tests.target_duckdb.parquet.tables import example, make_types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
S3_PYTHON = ROOT / ".venv-s3" / "bin" / "python"
SPARK_PYTHON = ROOT / ".venv-spark" / "bin" / "python"
BUCKET, PREFIX = "lake", "of/the/company"
URL = f"s3://{BUCKET}/{PREFIX}"
KEEP = 3
KEY, SECRET = "AKIDINVENTED", "inVentedSecretOfTheCheck"

TABLES = {
    # How many generations share the same rows.
    "marts.contacts": 1,
    "marts.companies": 1,
    "marts.contact_company_links": 2,
    "kizen.client_client": 3,
    "kananas.contacts": 5,
    "kananas.organisations": 1000,
}
ROWS = 3_000


# Most of a short run is the import of libraries, which each fork of this server has behind it.
FORKS = multiprocessing.get_context("forkserver")


class CheckError(AssertionError):
    """What must never be, was."""


def make_database(path: Path, generation: int) -> None:
    """Write a database whose rows name their generation."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for name, every in TABLES.items():
            schema = name.partition(".")[0]
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(
                f"CREATE TABLE {name} AS SELECT i AS id, {generation // every} AS generation, "
                f"md5(i::VARCHAR || '{generation // every}') AS name FROM range({ROWS}) t(i)"
            )


@dataclass
class Reader:
    """Reads one snapshot after the other, until it is told to end."""

    store: S3Store
    folder: Path
    reads: int = 0
    snapshots: set[str] = field(default_factory=set)
    too_late: int = 0
    error: str | None = None

    def manifest(self) -> dict[str, Any]:
        """Return the current manifest."""
        content = bytes(obstore.get(self.store, "manifest.json").bytes())
        found: dict[str, Any] = json.loads(content)
        return found

    def run(self, is_over: threading.Event) -> None:
        """Read until the end."""
        try:
            while not is_over.is_set():
                self.read()
        except Exception as error:  # noqa: BLE001 - of another thread, told at the end
            self.error = f"{type(error).__name__}: {error}"

    def read(self) -> None:
        """Read one snapshot whole.

        Raises:
            CheckError: Its tables are of more than one database, or a file is missing.
        """
        manifest = self.manifest()
        generations = {}
        for table in manifest["tables"]:
            name = f"{table['schema']}.{table['name']}"
            try:
                generations[name] = self.generation(table)
            except FileNotFoundError:
                now = self.manifest()
                kept = {now["snapshot"], *(each["snapshot"] for each in now["earlier"])}
                if manifest["snapshot"] in kept:
                    message = f"{manifest['snapshot']} is kept, and {name} lacks a file"
                    raise CheckError(message) from None
                self.too_late += 1
                return
        newest = generations["marts.contacts"]
        expected = {name: newest // every for name, every in TABLES.items()}
        if generations != expected:
            message = f"{manifest['snapshot']} mixes databases: {generations}, not {expected}"
            raise CheckError(message)
        self.reads += 1
        self.snapshots.add(manifest["snapshot"])

    def generation(self, table: dict[str, Any]) -> int:
        """Return the generation of a table, all of whose rows are read."""
        files = []
        for number, file in enumerate(table["files"]):
            copy = self.folder / f"{number}.parquet"
            copy.write_bytes(obstore.get(self.store, file["path"]).bytes())
            files.append(str(copy))
        with duckdb.connect() as connection:
            query = "SELECT min(generation), max(generation), count(*) FROM read_parquet(?)"
            row = connection.execute(query, [files]).fetchone()
        if row is None or row[0] != row[1] or row[2] != ROWS or row[2] != table["rows"]:
            message = f"{table['schema']}.{table['name']} holds {row}"
            raise CheckError(message)
        return int(row[0])


@contextmanager
def server() -> Iterator[int]:
    """Run the server of S3; give its port."""
    command = [str(S3_PYTHON), str(HERE / "s3_server.py"), BUCKET]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def store_at(port: int) -> S3Store:
    """Return the bucket, as readers see it."""
    return S3Store(
        BUCKET, prefix=PREFIX, endpoint=f"http://127.0.0.1:{port}", region="us-east-1",
        access_key_id=KEY, secret_access_key=SECRET, client_options={"allow_http": True},
    )  # fmt: skip


def environment(port: int, scratch: Path) -> dict[str, str]:
    """Return the variables of a publisher."""
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "PARQUET_KEEP": str(KEEP),
        "TMPDIR": str(scratch),
    }


def run_publisher(database: str, url: str, variables: dict[str, str], said: Path) -> None:
    """Run the program in a process that has imported it; what it says goes to a file."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(variables)
    sys.exit(publish_parquet([database, url]))


class Check:
    """The rounds."""

    def __init__(self, folder: Path, proxy: Proxy, proxied: int, seed: int) -> None:
        """Take a folder for databases, the proxy and its port."""
        self.folder = folder
        self.random = random.Random(seed)  # noqa: S311 - it is no secret
        self.proxy = proxy
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.environment = environment(proxied, self.scratch)
        self.store = store_at(proxy.server_port)
        self.generation = 0
        self.seconds: list[float] = []
        self.killed: Counter[str] = Counter()
        self.said = ""

    def start(self) -> ForkServerProcess:
        """Start a publisher of a database of a new generation."""
        self.generation += 1
        database = self.folder / f"{self.generation % 4}.duckdb"
        make_database(database, self.generation)
        arguments = (str(database), URL, self.environment, self.folder / f"said{self.generation}")
        process = FORKS.Process(target=run_publisher, args=arguments, name=str(self.generation))
        process.start()
        return process

    def first_request(self, process: ForkServerProcess, before: int) -> float:
        """Wait until a publisher makes its first request; return when that was."""
        while self.proxy.requests == before and process.exitcode is None:
            time.sleep(0.005)
        return time.monotonic()

    def end(self, process: ForkServerProcess) -> int:
        """Let a publisher end; return its exit code.

        Raises:
            CheckError: It does not.
        """
        process.join(300)
        code = process.exitcode
        if code is None:
            process.kill()
            message = "a publisher has not come to its end in five minutes"
            raise CheckError(message)
        said = self.folder / f"said{process.name}"
        self.said += said.read_text(encoding="utf-8") if said.exists() else ""
        return code

    def kill(self) -> bool:
        """Kill a publisher at a random moment, and see what it has left.

        Returns:
            Whether it had not come to its end by then.

        Raises:
            CheckError: It had failed by then.
        """
        before, requests = self.newest(), self.proxy.requests
        process = self.start()
        self.first_request(process, requests)
        process.join(self.random.uniform(0, 1.1) * statistics.median(self.seconds))
        if process.exitcode is None:
            process.kill()
        code = self.end(process)
        if code == 0:
            return False
        if code > 0:
            raise CheckError(self.said.splitlines()[-1])
        if self.newest() != before:
            self.killed["after the manifest was replaced"] += 1
        elif self.left():
            self.killed["with files of it there"] += 1
        else:
            self.killed["before a file was there"] += 1
        return True

    def publish(self) -> None:
        """Let a publisher end, and see that it leaves what it has to."""
        requests = self.proxy.requests
        process = self.start()
        started = self.first_request(process, requests)
        if self.end(process) != 0:
            raise CheckError(self.said.splitlines()[-1])
        self.seconds.append(time.monotonic() - started)
        self.nothing_is_left()

    def publish_two(self) -> int:
        """Let two publish at once; return how many were told that they came too late."""
        processes = [self.start(), self.start()]
        codes = [self.end(process) for process in processes]
        if 0 not in codes:
            raise CheckError(self.said.splitlines()[-1])
        return codes.count(1)

    def newest(self) -> str | None:
        """Return the name of the current snapshot."""
        try:
            return str(Reader(self.store, self.folder).manifest()["snapshot"])
        except FileNotFoundError:
            return None

    def left(self) -> set[str]:
        """Return the files that no kept snapshot needs."""
        there = Bucket(URL, self.store).sizes("snapshots").keys()
        try:
            current = Reader(self.store, self.folder).manifest()
        except FileNotFoundError:
            return set(there)
        needed = set()
        for snapshot in (current["snapshot"], *(each["snapshot"] for each in current["earlier"])):
            path = f"snapshots/{snapshot}/manifest.json"
            manifest = json.loads(bytes(obstore.get(self.store, path).bytes()))
            files = {file["path"] for table in manifest["tables"] for file in table["files"]}
            if files - there:
                message = f"{snapshot} is kept, and lacks {min(files - there)}"
                raise CheckError(message)
            needed |= files | {path}
        if len(current["earlier"]) > KEEP:
            message = f"{len(current['earlier'])} earlier snapshots are kept"
            raise CheckError(message)
        return set(there - needed)

    def nothing_is_left(self) -> None:
        """See that only what is needed is there, in the store and among temporary files.

        Raises:
            CheckError: Something else is.
        """
        scratch = [each for each in self.scratch.iterdir() if not _tries_folder(each)]
        left = [*sorted(self.left()), *map(str, scratch)]
        if left:
            message = f"{len(left)} files are left behind, such as {left[0]}"
            raise CheckError(message)


def _tries_folder(path: Path) -> bool:
    """Return whether Python's `tempfile` was killed as it tried to write into the folder."""
    return re.fullmatch("[a-z0-9_]{8}", path.name) is not None and path.is_file()


def main() -> int:
    """Run the check."""
    FORKS.set_forkserver_preload(["__main__", "pytz"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.05, help="of requests that fail")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name, server() as direct:
        folder = Path(name)
        proxy = Proxy(direct, given.share, given.seed)
        with proxy.running() as proxied:
            check = Check(folder, proxy, proxied, given.seed)
            rounds(check, given.kills, direct)
            print(
                f"{proxy.requests:,} requests, {proxy.failed.total():,} of them failed: "
                f"{dict(proxy.failed)}"
            )
        if SECRET in check.said or KEY in check.said:
            message = "a publisher has told a key"
            raise CheckError(message)
        without_conditions(folder, direct)
        engines(folder, direct)
    return 0


def rounds(check: Check, kills: int, direct: int) -> None:
    """Publish, kill, and read meanwhile.

    Raises:
        CheckError: Something was wrong.
    """
    check.publish()
    readers = []
    is_over, too_late, threads = threading.Event(), 0, []
    for number in range(2):
        folder = check.folder / f"reader{number}"
        folder.mkdir()
        readers.append(Reader(store_at(direct), folder))
        threads.append(threading.Thread(target=readers[-1].run, args=(is_over,)))
        threads[-1].start()
    try:
        for number in range(1, kills + 1):
            while not check.kill():
                pass
            if number % 5 == 0:
                check.publish()
            if number % 20 == 0:
                too_late += check.publish_two()
                print(f"{number} killed: {dict(check.killed)}", flush=True)
        check.publish()
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    errors = [reader.error for reader in readers if reader.error]
    if errors:
        raise CheckError(errors[0])
    print(
        f"Killed {kills} publishers: {dict(check.killed)}; {too_late} came too late beside "
        f"another; of those that ended the longest took {max(check.seconds):.1f} s, half of "
        f"them less than {statistics.median(check.seconds):.1f} s"
    )
    seen = set().union(*(reader.snapshots for reader in readers))
    print(
        f"{sum(reader.reads for reader in readers)} snapshots read whole, {len(seen)} different "
        f"ones, none of them mixed; {sum(reader.too_late for reader in readers)} begun too late; "
        "nothing is left behind"
    )


def without_conditions(folder: Path, port: int) -> None:
    """See that a store without conditional writes is published to, by one at a time.

    Raises:
        CheckError: A publisher that came too late was not told.
    """
    os.environ.update(environment(port, folder / "scratch"), AWS_CONDITIONAL_PUT="disabled")
    place = at(f"s3://{BUCKET}/without")
    place.replace("manifest.json", b"1", None)
    first = place.read("manifest.json")
    place.replace("manifest.json", b"2", first)
    try:
        place.replace("manifest.json", b"3", first)
    except ReplacedError:
        del os.environ["AWS_CONDITIONAL_PUT"]
    else:
        message = "a publisher came too late, and was not told"
        raise CheckError(message)


def engines(folder: Path, port: int) -> None:
    """Let other programs read every type from the server, and from a folder."""
    database, out = folder / "types.duckdb", folder / "out"
    make_types(database)
    for url in (f"s3://{BUCKET}/types", str(out)):
        subprocess.run(
            [sys.executable, "-m", "target_duckdb.parquet.cli", database, url],
            env=environment(port, folder / "scratch"), cwd=ROOT, check=True,
        )  # fmt: skip
    variables = {**environment(port, folder / "scratch"), "JAVA_HOME": java_home(folder)}
    variables["SPARK_LOCAL_IP"] = "127.0.0.1"
    for python, script, url, name in (
        (S3_PYTHON, "read_s3.py", f"s3://{BUCKET}/types", "python"),
        (SPARK_PYTHON, "read_spark.py", str(out), "spark"),
    ):
        code = folder / "example.py"
        code.write_text(example(name, str(out)), encoding="utf-8")
        subprocess.run([python, HERE / script, url, code], env=variables, check=True)


if __name__ == "__main__":
    sys.exit(main())
