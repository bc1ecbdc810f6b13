"""From a service into DuckDB: ours beside others, over the same bytes, in one table.

`make bench` runs it: 100,000 companies, a few minutes. `make bench BENCH=full` adds a million of
them, latency, the limit on requests, and loads of what is there already; that takes hours.
A pipeline that fails is told, and the others run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import psutil
from measure import FailedError, Run, run
from pipelines import (
    ENVIRONMENTS,
    HERE,
    OBJECT,
    OURS,
    PIPELINES,
    ROOT,
    Case,
    Pipeline,
    bare_environment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = HERE.parent / "data"
CHANGED_EVERY = 100
SLOW_SECONDS = 60
"""What takes longer is run once."""

REPEATS = 3
FIRST, UNCHANGED, CHANGED = "first load", "unchanged", "1 % changed"


@dataclass(frozen=True)
class Setting:
    """The circumstances of one table.

    Attributes:
        records: Number of records.
        latency: Milliseconds per request.
        limit: Requests a second, 0 for no limit.
        loads: What is loaded, one after another into the same file.
        is_object: Whether the companies are records of an object, whose columns are made from the
            fields in them. No peer reads those.
    """

    records: int
    latency: int
    limit: int
    loads: tuple[str, ...]
    is_object: bool = False

    @property
    def title(self) -> str:
        """The heading of the table."""
        limit = f"{self.limit} requests/s" if self.limit else "no limit"
        kind = "companies as records of an object" if self.is_object else "companies"
        return f"{self.records:,} {kind}, {self.latency} ms latency, {limit}"


ALL = (FIRST, UNCHANGED, CHANGED)
MATRIX = {
    "quick": [Setting(100_000, 0, 0, (FIRST, UNCHANGED))],
    "full": [
        Setting(100_000, 0, 0, ALL),
        Setting(100_000, 50, 25, (FIRST,)),
        Setting(1_000_000, 0, 0, ALL),
        Setting(1_000_000, 50, 0, (FIRST,)),
        Setting(1_000_000, 200, 0, (FIRST,)),
        Setting(1_000_000, 50, 25, (FIRST,)),
        Setting(1_000_000, 200, 25, (FIRST,)),
        Setting(100_000, 0, 0, (FIRST,), is_object=True),
    ],
}


@dataclass
class Row:
    """What was measured of a pipeline under one setting and load.

    Attributes:
        rates: Records a second, from the first page to the end of the last program.
        starts: Seconds before the first page.
        runs: The runs.
        rows: What the table was found to hold.
    """

    rates: list[float]
    starts: list[float]
    runs: list[Run]
    rows: str

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)


# What is loaded


def records_file(count: int, *, changed: bool) -> Path:
    """Return the file of so many records, made once by the sandbox's own generator."""
    folder = DATA / str(count)
    plain, other = folder / "companies.jsonl", folder / "changed.jsonl"
    if not plain.exists():
        print(f"Making {count:,} companies …", file=sys.stderr, flush=True)
        command = [
            sys.executable,
            "-c",
            "import sys; from sandbox.cli import main; sys.exit(main())",
        ]
        options = ["--generate-only", str(folder), "--companies", str(count), "--contacts", "1"]
        subprocess.run([*command, *options], cwd=ROOT, check=True)
    if changed and not other.exists():
        part = other.with_suffix(".part")
        with plain.open("rb") as source, part.open("wb") as target:
            for number, line in enumerate(source):
                is_changed = number % CHANGED_EVERY == 0
                target.write(line.replace(b'"name":"', b'"name":"New ', 1) if is_changed else line)
        part.replace(other)
    return other if changed else plain


def object_file(count: int) -> Path:
    """Return the file of so many records of an object; what describes it lies beside it."""
    records = DATA / str(count) / f"{OBJECT}.jsonl"
    if not records.with_suffix(".json").exists():
        print(f"Making {count:,} records …", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / "object_records.py"), str(count), str(records.parent)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return records


@contextmanager
def service(records: Path, setting: Setting, directory: Path) -> Iterator[tuple[str, Path]]:
    """Serve a file; give the base address, and the file that will say when it was first asked."""
    ready = directory / "ready"
    first = Path(f"{ready}.first")
    for leftover in (ready, first):
        leftover.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / "service.py"), str(records), str(ready)]
    options = [f"--latency={setting.latency}", f"--rate-limit={setting.limit}"]
    if setting.is_object:
        options.append(f"--object={records.with_suffix('.json')}")
    with subprocess.Popen([*command, *options]) as process:
        try:
            while not ready.exists():
                if process.poll() is not None:
                    message = "the service did not start"
                    raise RuntimeError(message)
                time.sleep(0.02)
            yield f"http://127.0.0.1:{ready.read_text(encoding='utf-8')}/api", first
        finally:
            process.terminate()


def content(source: str, connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Return number of rows, number of ids, and a sum over ids and names."""
    found = connection.execute(
        "SELECT count(*), count(DISTINCT id), bit_xor(hash(id || '|' || coalesce(name, ''))) "  # noqa: S608
        f"FROM {source}"
    ).fetchone()
    assert found is not None  # noqa: S101 (an aggregate has one row)
    return found


def verified(pipeline: Pipeline, case: Case) -> str:
    """Compare a table with what the service had."""
    if pipeline.table is None:
        return "none"
    with duckdb.connect() as connection:
        columns = "{id: 'VARCHAR', name: 'VARCHAR', fields: 'JSON'}"
        served = f"read_json('{case.records}', columns = {columns})"
        if case.is_object:
            described = json.loads(case.records.with_suffix(".json").read_bytes())
            key = next(each["id"] for each in described["fields"] if each["name"] == "name")
            served = f"(SELECT id, fields ->> '$.\"{key}\".value' AS name FROM {served})"  # noqa: S608
        wanted = content(served, connection)
    with duckdb.connect(str(case.database), read_only=True) as connection:
        found = content(f"bench.{OBJECT}" if case.is_object else pipeline.table, connection)
    if found == wanted:
        return f"{found[0]:,}"
    return f"**{found[0]:,} of {wanted[0]:,}**" if found[0] != wanted[0] else "**others**"


def served(setting: Setting, load: str) -> Path:
    """Return the file that is served for a load, made once."""
    if setting.is_object:
        return object_file(setting.records)
    return records_file(setting.records, changed=load == CHANGED)


# Runs


def measure(
    pipeline: Pipeline, setting: Setting, repeats: int, scratch: Path
) -> dict[str, Row | str]:
    """Run a pipeline as often as wanted; give what was measured, or why it failed, by load."""
    rows: dict[str, Row | str] = {}
    loads = setting.loads[:1] if pipeline.only_first else setting.loads
    for _ in range(repeats):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            for load in loads:
                try:
                    measure_once(pipeline, setting, load, Path(name), rows)
                except (FailedError, duckdb.Error, OSError) as error:  # noqa: PERF203 (a few runs)
                    rows[load] = f"failed: {str(error).splitlines()[0]}"
                    return rows
        if time.monotonic() - began > SLOW_SECONDS * len(loads):
            break
    return rows


def measure_once(
    pipeline: Pipeline, setting: Setting, load: str, folder: Path, rows: dict[str, Row | str]
) -> None:
    """Run a pipeline once, and add to what was measured."""
    records = served(setting, load)
    with service(records, setting, folder) as (url, first):
        database = folder / "warehouse.duckdb"
        case = Case(url, records, database, folder, setting.limit, setting.is_object)
        variables = {**bare_environment(), **pipeline.variables(case)}
        done = run(pipeline.commands(case), variables, ROOT, folder / "log")
        began = float(first.read_text(encoding="utf-8")) if first.exists() else done.began
    row = rows.setdefault(load, Row([], [], [], ""))
    if isinstance(row, Row):
        row.rates.append(setting.records / (done.ended - began))
        row.starts.append(began - done.began)
        row.runs.append(done)
        row.rows = verified(pipeline, case)


def table(setting: Setting, load: str, results: dict[str, dict[str, Row | str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    ours = results.get(OURS, {}).get(load)
    yield f"### {setting.title}: {load}\n"
    yield "| pipeline | records/s | to ours | start, s | CPU, s | peak memory, MB | rows | runs |"
    yield "|---|---|---|---|---|---|---|---|"
    for label, rows in results.items():
        row = rows.get(load)
        if isinstance(row, str):
            yield f"| {label} | {row.replace('|', '/')} | | | | | | |"
        if not isinstance(row, Row):
            continue
        ratio = f"{row.rate / ours.rate:.2f}" if isinstance(ours, Row) else ""
        cpu = statistics.median(one.cpu for one in row.runs)
        peak = statistics.median(one.peak for one in row.runs)
        start = statistics.median(row.starts)
        yield (
            f"| {label} | {row.rate:,.0f} | {ratio} | {start:.1f} | {cpu:.1f} | {peak:,.0f} | "
            f"{row.rows} | {len(row.runs)} |"
        )
    yield ""


# Environments


def set_up(name: str, uv: str) -> str | None:
    """Make a peer's environment, unless it is there; return what went wrong."""
    requirements = ROOT / "requirements" / f"bench-{name}.txt"
    folder = ENVIRONMENTS / name
    ready = folder / "ready"
    if ready.exists() and ready.stat().st_mtime >= requirements.stat().st_mtime:
        return None
    print(f"Setting up {name} …", file=sys.stderr, flush=True)
    python = str(folder / "bin" / "python")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements)],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["uv failed"])[-1]
    ready.touch()
    return None


def versions() -> Iterator[str]:
    """Yield what the numbers depend on."""
    memory = psutil.virtual_memory().total / 2**30
    yield (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}; load before the first run {os.getloadavg()[0]:.1f}"
    )
    wanted = ("singer-sdk", "target-duckdb", "dlt", "airbyte", "airbyte-cdk", "duckdb", "pyarrow")
    for path in sorted((ROOT / "requirements").glob("bench-*.txt")):
        pins = [
            line.split(" ;")[0].strip()
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.split("==")[0].split("[")[0] in wanted
        ]
        yield f"* {path.stem.removeprefix('bench-')}: {', '.join(pins)}"


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("matrix", choices=MATRIX, nargs="?", default="quick")
    parser.add_argument("--uv", default=shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv"))
    parser.add_argument("--only", help="run pipelines whose label contains this text, and ours")
    parser.add_argument("--setting", type=json.loads, metavar="JSON",
                        help='one setting, such as {"records": 20000, "latency": 50, "limit": 25, '
                             '"loads": ["first load"]}')  # fmt: skip
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--output", type=Path, help="a file to write the tables to as well")
    options = parser.parse_args()

    settings = [Setting(**options.setting)] if options.setting else MATRIX[options.matrix]
    chosen = [
        p for p in PIPELINES if not options.only or p.label == OURS or options.only in p.label
    ]
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)
        if options.output:
            options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")

    say("\n".join(versions()) + "\n")
    needed = {name for pipeline in chosen for name in pipeline.environments}
    broken = {name: why for name in sorted(needed) if (why := set_up(name, options.uv))}
    DATA.mkdir(exist_ok=True)
    for setting in settings:
        results: dict[str, dict[str, Row | str]] = {}
        able = [p for p in chosen if p.reads_objects or not setting.is_object]
        for pipeline in able:
            print(f"{setting.title}: {pipeline.label} …", file=sys.stderr, flush=True)
            missing = [broken[name] for name in pipeline.environments if name in broken]
            results[pipeline.label] = (
                {setting.loads[0]: f"failed: no environment: {missing[0]}"}
                if missing
                else measure(pipeline, setting, options.repeats, DATA)
            )
        for load in setting.loads:
            for line in table(setting, load, results):
                say(line)


if __name__ == "__main__":
    main()
