"""Our target beside the public `target-duckdb` on the same messages: what arrives, and how fast.

Run it with a Python that has this project: `python benchmarks/target_duckdb/compare.py`. The public
target gets an environment of its own under `environment/`, with the same version of DuckDB. Prints
two tables in Markdown: one row per difference in what arrives, one row per way of loading.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable

PUBLIC = "target-duckdb==0.8.0"
ENVIRONMENT = Path(__file__).parent / "environment"
OURS = [sys.executable, "-m", "target_duckdb"]
THEIRS = [str(ENVIRONMENT / "bin" / "target-duckdb")]
NULLABLE = {"type": ["string", "null"]}


def schema(properties: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """Return a SCHEMA message."""
    return {
        "type": "SCHEMA",
        "stream": "items",
        "key_properties": keys,
        "schema": {"type": "object", "properties": properties},
    }


def record(values: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": "items", "record": values, **more}


@dataclass
class Case:
    """Messages, what is asked of the table afterwards, and what a loader that loses nothing gives.

    Attributes:
        name: What the case is about.
        runs: Messages of each run, one after another.
        query: SQL over the table `items`.
        right: Its only value, as text.
        config: Settings both targets know.
    """

    name: str
    runs: list[list[Any]]
    query: str
    right: str
    config: dict[str, Any] = field(default_factory=dict)


WORDS = {"id": {"type": "string"}, "v": NULLABLE}
NUMBERED = {"id": {"type": "integer"}, "v": NULLABLE}
MOMENT = {"id": {"type": "integer"}, "v": {**NULLABLE, "format": "date-time"}}
FIVE = [record({"id": f"k{n}", "v": f"v{n}"}) for n in range(5)]

CASES = [
    Case("rows of five records of text", [[schema(WORDS, ["id"]), *FIVE]], "count(*)", "5"),
    Case("an empty text is not null",
         [[schema(NUMBERED, ["id"]), record({"id": 0}), record({"id": 1, "v": ""})]],
         "count(v)", "1"),
    Case("false is not null",
         [[schema({**NUMBERED, "f": {"type": "boolean"}}, ["id"]), record({"id": 1, "f": False})]],
         "count(f)", "1"),
    Case("an offset is respected",
         [[schema(MOMENT, ["id"]), record({"id": 0}),
           record({"id": 1, "v": "2024-05-06T07:08:09+02:00"})]],
         "epoch(any_value(v))::BIGINT", "1714972089"),
    Case("the last of two records with one key",
         [[schema(NUMBERED, ["id"]), record({"id": 1, "v": "a"}), record({"id": 1, "v": "b"})]],
         "string_agg(v)", "b"),
    Case("a number column becomes text, in place",
         [[schema({**NUMBERED, "v": {"type": "integer"}}, ["id"]), record({"id": 1, "v": 5})],
          [schema(NUMBERED, ["id"]), record({"id": 2, "v": "x"})]],
         "string_agg(v::VARCHAR, ',' ORDER BY id)", "5,x"),
    Case("rows that are gone from the source",
         [[schema(NUMBERED, ["id"]), *[record({"id": n}, version=1) for n in (1, 2)],
           {"type": "ACTIVATE_VERSION", "stream": "items", "version": 1}],
          [schema(NUMBERED, ["id"]), record({"id": 2}, version=2),
           {"type": "ACTIVATE_VERSION", "stream": "items", "version": 2}]],
         "count(*)", "1", {"hard_delete": True}),
    Case("a text that breaks its integer column stops the load",
         [[schema(NUMBERED, ["id"]), record({"id": 1}), record({"id": "1.6"})]],
         "count(*)", "nothing loaded"),
    Case("names that differ by case",
         [[schema({"id": {"type": "integer"}, "V": NULLABLE, "v": NULLABLE}, ["id"]),
           record({"id": 1, "V": "upper", "v": "lower"})]],
         'count("V")', "1"),
    Case("a comma, a quote and a line break in a key",
         [[schema(WORDS, ["id"]), record({"id": 'a,"\r\nb', "v": "x"}), *FIVE]],
         "count(*) FILTER (WHERE id = 'a,\"' || chr(13) || chr(10) || 'b')", "1"),
    Case("numbers beyond a float in nested values",
         [[schema({"id": {"type": "integer"}, "o": {"type": "object"}}, ["id"]),
           '{"type":"RECORD","stream":"items","record":{"id":1,"o":{"n":1.00000000000000000001}}}']],
         "any_value(o::VARCHAR)", '{"n":1.00000000000000000001}'),
]  # fmt: skip


def run(command: list[str], path: Path, source: Path, config: dict[str, Any]) -> tuple[int, float]:
    """Load messages; return exit code and peak memory in MB."""
    settings = path.with_suffix(".json")
    settings.write_text(json.dumps({"path": str(path), "default_target_schema": "main", **config}))
    with source.open("rb") as messages, path.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--config", str(settings)], stdin=messages, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024


def write(path: Path, messages: Iterable[Any]) -> None:
    """Write messages as a tap would."""
    # One by one: a child process would count what this one keeps in memory as its own peak.
    with path.open("w", encoding="utf-8") as file:
        for one in messages:
            file.write((one if isinstance(one, str) else json.dumps(one)) + "\n")


def ask(path: Path, query: str) -> str:
    """Return the only value of a query over the table, or why there is none."""
    if not path.exists():
        return "nothing loaded"
    with duckdb.connect(str(path), read_only=True) as connection:
        try:
            row = connection.execute(f"SELECT ({query})::VARCHAR FROM main.items").fetchone()  # noqa: S608
        except duckdb.CatalogException:
            return "nothing loaded"
        except duckdb.Error as error:
            return str(error).splitlines()[0]
    return str(row[0]) if row else ""


def outcome(command: list[str], case: Case, directory: Path) -> str:
    """Run a case; say what is in the table, and whether a run failed."""
    path = directory / "test.duckdb"
    codes = []
    for messages in case.runs:
        source = directory / "messages.jsonl"
        write(source, messages)
        codes.append(run(command, path, source, case.config)[0])
    failed = " (exit code 1)" if any(codes) else ""
    return ask(path, case.query) + failed


def differences() -> None:
    """Print what arrives."""
    print("| case | right | ours | public 0.8.0 |\n|---|---|---|---|")
    for case in CASES:
        found = []
        for command in (OURS, THEIRS):
            with tempfile.TemporaryDirectory() as name:
                found.append(outcome(command, case, Path(name)))
        cells = [case.name, case.right, *found]
        print(
            "| " + " | ".join(cell.replace("|", "\\|").replace("\r\n", " ") for cell in cells), "|"
        )


def company(n: int) -> str:
    """An invented company of about 1.1 kB, as a CRM would send it, in JSON."""
    values = {
        "id": f"00000000-0000-4000-8000-{n:012d}",
        "name": f"Société n° {n}",
        "email": f"office{n}@company{n}.example",
        "mobile_phone": f"+33 6 {n:08d}",
        "business_phone": None,
        "created": f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}T10:11:12.{n % 1000000:06d}+02:00",
        "employees": n % 5000,
        "revenue": n * 1.25,
        "active": n % 3 > 0,
        "addresses": [
            {
                "full_name": f"Société n° {n}",
                "street_address": f"{n % 200} rue de l'Église",
                "street_address_2": "",
                "city": "Saint-Étienne",
                "postal_code": f"{n % 100000:05d}",
                "state": "Loire",
                "country": "France",
            }
        ],
        "tags": [{"id": f"tag-{k}", "name": f"Étiquette {k}"} for k in range(n % 4)],
        "custom_fields": {
            f"field_{k}": {"field_id": f"1111111{k}-0000-4000-8000-{n:012d}", "value": f"value {k}"}
            for k in range(6)
        },
    }
    return json.dumps(values, ensure_ascii=False)


COMPANY = {
    "id": {"type": "string"},
    **dict.fromkeys(("name", "email", "mobile_phone", "business_phone"), NULLABLE),
    "created": {**NULLABLE, "format": "date-time"},
    "employees": {"type": ["integer", "null"]},
    "revenue": {"type": ["number", "null"]},
    "active": {"type": ["boolean", "null"]},
    "addresses": {"type": ["array", "null"]},
    "tags": {"type": ["array", "null"]},
    "custom_fields": {"type": ["object", "null"]},
}


def speed(rows: int, repeats: int) -> None:
    """Print how fast it arrives."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        source = directory / "records.jsonl"
        begin = schema(COMPANY, ["id"])
        lines = (f'{{"type":"RECORD","stream":"items","record":{company(n)}}}' for n in range(rows))
        write(source, chain([begin], lines))
        size = len(company(rows // 2).encode())
        print(f"{rows:,} records of {size:,} bytes, best of {repeats}:\n")
        print("| loader | records/s | second run | rows | peak memory, MB |\n|---|---|---|---|---|")
        measure("ours, records", OURS, directory, source, rows, repeats)
        for compression in ("none", "gzip"):
            batches = directory / f"batches-{compression}.jsonl"
            write(batches, [begin, *batch_files(directory, rows, compression)])
            label = f"ours, BATCH files ({compression})"
            measure(label, OURS, directory, batches, rows, repeats, {"keep_batch_files": True})
        measure("public 0.8.0, records", THEIRS, directory, source, rows, repeats)


def batch_files(directory: Path, rows: int, compression: str) -> list[Any]:
    """Write records into files of 50,000; return the BATCH messages that name them."""
    messages = []
    for start in range(0, rows, 50_000):
        path = directory / f"{compression}-{start}.jsonl"
        kind: Any = partial(gzip.open, compresslevel=5) if compression == "gzip" else open
        with kind(path, "wb") as file:
            for n in range(start, min(rows, start + 50_000)):
                file.write(f"{company(n)}\n".encode())
        encoding = {"format": "jsonl", "compression": compression}
        messages.append(
            {"type": "BATCH", "stream": "items", "encoding": encoding, "manifest": [path.as_uri()]}
        )
    return messages


def measure(  # noqa: PLR0913, PLR0917
    label: str,
    command: list[str],
    directory: Path,
    source: Path,
    rows: int,
    repeats: int,
    config: dict[str, Any] | None = None,
) -> None:
    """Load into an empty database and once more; print one row of the table."""
    path = directory / "speed.duckdb"
    best = [0.0, 0.0]
    peak = 0.0
    for _ in range(repeats):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        for attempt in range(2):
            began = time.perf_counter()
            code, memory = run(command, path, source, config or {})
            seconds = time.perf_counter() - began
            if code != 0:
                log = path.with_suffix(".log").read_text().splitlines()
                message = f"{label} ended with {code}: {log[-1] if log else ''}"
                raise SystemExit(message)
            best[attempt] = max(best[attempt], rows / seconds)
            peak = max(peak, memory)
    loaded = ask(path, "count(*)")
    print(
        f"| {label} | {best[0]:,.0f} | {best[1]:,.0f} | {int(loaded):,} | {peak:,.0f} |", flush=True
    )


def set_up() -> None:
    """Make the environment of the public target, once."""
    if Path(THEIRS[0]).exists():
        return
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, PUBLIC, f"duckdb=={duckdb.__version__}"], check=True)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="records of the timed loads")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["differences", "speed"])
    options = parser.parse_args()
    set_up()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"DuckDB {duckdb.__version__}, {machine}\n")
    if options.only != "speed":
        differences()
        print()
    if options.only != "differences":
        speed(options.rows, options.repeats)


if __name__ == "__main__":
    main()
