"""How seconds and memory of loading grow with the rows: into a file, and into a DuckLake.

Contacts of some 400 bytes of JSON are loaded by the program `target-duckdb`: first all, then one in
a hundred changed, as a run of every day is. The lake has its catalog in SQLite and its files in a
folder, and does its upkeep in each run. Seconds are those of CPU, over all cores, which other
programs on the machine change little; memory is the peak of the process.

Usage: .venv-lake/bin/python benchmarks/lake/growth.py [ROWS …]; make .venv-lake/ready before it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
ROWS = (100_000, 1_000_000)

TEXT = {"type": ["null", "string"]}
SCHEMA = {
    "type": "SCHEMA",
    "stream": "contacts",
    "key_properties": ["id"],
    "schema": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            **dict.fromkeys(("first_name", "last_name", "email", "phone", "organisation"), TEXT),
            "updated_at": {"type": "string", "format": "date-time"},
            "free_fields": {"type": ["null", "object"]},
        },
    },
}


def record(number: int, generation: int) -> dict[str, Any]:
    """Return a contact."""
    mixed = (number * 2654435761) % 2**32
    return {
        "id": number,
        "first_name": f"First{mixed % 5000}",
        "last_name": f"Last{mixed % 99991}",
        "email": f"mail{number}@example.org",
        "phone": f"+3312345{10000 + mixed % 90000}",
        "organisation": f"Company {mixed % 20011} of the {generation}th",
        "updated_at": f"2026-01-{1 + mixed % 28:02}T{mixed % 24:02}:00:00Z",
        "free_fields": {"note": f"{mixed:064x}", "tags": [mixed % 7, mixed % 11]},
    }


def write(path: Path, numbers: Iterable[int], generation: int) -> None:
    """Write the messages of a run."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(SCHEMA) + "\n")
        for number in numbers:
            message = {
                "type": "RECORD",
                "stream": "contacts",
                "record": record(number, generation),
            }
            file.write(json.dumps(message) + "\n")


def loaded(messages: Path, settings: Path) -> tuple[float, float]:
    """Load; return seconds of CPU, and peak memory in GB."""
    command = [sys.executable, "-m", "target_duckdb", "--config", str(settings)]
    with messages.open("rb") as lines:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        sys.exit(f"the loader ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def main() -> None:
    """Print a row of the table for each size and place."""
    print("| contacts | in | on disk | first | one in a hundred | memory |")
    print("|---|---|---|---|---|---|", flush=True)
    for rows in [int(each) for each in sys.argv[1:]] or ROWS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            first, later = folder / "first.singer", folder / "later.singer"
            write(first, range(rows), 1)
            write(later, range(0, rows, 100), 2)
            for place in ("file", "lake"):
                home = folder / place
                home.mkdir()
                settings: dict[str, Any] = {"path": str(home / "warehouse.duckdb")}
                if place == "lake":
                    settings = {
                        "path": f"ducklake:sqlite:{home / 'catalog.sqlite'}",
                        "data_path": str(home / "data"),
                        "compact_files": 1,
                        "snapshot_hours": 0,
                    }
                config = folder / "config.json"
                config.write_text(json.dumps(settings), encoding="utf-8")
                seconds, memory = loaded(first, config)
                again, more = loaded(later, config)
                size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
                print(
                    f"| {rows:,} | {place} | {size / 1e9:.2f} GB | {seconds:.1f} s | {again:.1f} s "
                    f"| {max(memory, more):.1f} GB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
