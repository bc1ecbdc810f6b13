"""`make demo`: the main job, as a stranger runs it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import struct
import zlib
from typing import TYPE_CHECKING

import duckdb
import pytest
import requests

from sandbox.credentials import Credentials
from tests.console.report.reading import sections
from tools.browser import ABSENT, browser, chromium
from tools.pictures import DOCS, PICTURES, take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.checkout import Checkout, Ended

TABLES = (
    "kananas.contacts",
    "kizen.companies",
    "marts.contact_company_links",
    "marts.contacts",
    "marts.companies",
)


def _database(checkout: Checkout) -> Path:
    return checkout.path / "output" / "demo" / "published" / "warehouse.duckdb"


def _content(checkout: Checkout) -> dict[str, list[tuple[object, ...]]]:
    """Give the rows of each table, without the columns that tell when they were loaded."""
    columns = r"select columns(c -> c not like '\_sdc\_%' escape '\') from "
    return {
        table: checkout.rows(_database(checkout), f"{columns}{table} order by all")
        for table in TABLES
    }


def test_the_review_page_says_that_it_needs_the_demo(checkout: Checkout) -> None:
    ended = checkout.run(*checkout.make("demo-review"))
    assert ended.code == 2
    assert "There is no data of the demo yet: run `make demo` first\n" in ended.said


@pytest.fixture(scope="module")
def demo(checkout: Checkout) -> Ended:
    return checkout.run(*checkout.make("demo"))


def test_it_ends_well_with_every_row(demo: Ended, checkout: Checkout) -> None:
    assert demo.code == 0, demo.said
    for stream, rows in (("kananas.contacts", "2,000"), ("kizen.companies", "600")):
        (line,) = [line.split() for line in demo.said.splitlines() if stream in line.split()]
        assert line == [stream, rows, rows]
    content = _content(checkout)
    assert [len(content[table]) for table in TABLES] == [2000, 600, 2000, 2000, 600]


def test_it_links_contacts_and_says_how(demo: Ended, checkout: Checkout) -> None:
    linked = checkout.rows(
        _database(checkout),
        "select status, tier, count(*) from marts.contact_company_links group by all",
    )
    said = [line.split() for line in demo.said.splitlines()]
    assert {"auto", "none"} <= {status for status, _, _ in linked}
    for status, tier, contacts in linked:
        assert [status, *(tier or "").split(), f"{contacts:,}"] in said


def test_it_ends_by_naming_the_report_of_its_numbers(demo: Ended, checkout: Checkout) -> None:
    report = _database(checkout).with_name("report.html")
    assert f"The report:          {report}" in demo.said.splitlines()
    assert report.stat().st_mode & 0o777 == 0o600
    (linked,), (waiting,), (deals,) = (
        row
        for query in (
            "select count(*) from marts.contacts where company_id is not null",
            "select count(*) from marts.link_review_queue",
            "select count(*) from marts.deals where is_open",
        )
        for row in checkout.rows(_database(checkout), query)
    )
    assert linked > 0 < waiting
    # Two of the five stages are of deals that are closed.
    assert 0 < deals < 300
    found = sections(report.read_text(encoding="utf-8"))
    assert re.search(r"Kananas [\d:\w, ]+ Contacts 2,000 first seen", found["fresh"])
    assert f"Yes, and that is sure {linked:,} " in found["links"]
    assert f"Perhaps: to decide {waiting:,} " in found["links"]
    assert f"{waiting:,} contacts have a company that is only proposed" in found["queue"]
    assert f"{deals:,} of 300 deals in Kizen are open." in found["deals"]
    assert "This is the first run" in found["changes"]
    assert re.search(r"dbt took [\d.,]+ seconds", found["run"])


def test_no_secret_is_in_what_it_says_or_leaves(demo: Ended, checkout: Checkout) -> None:
    texts = [demo.said]
    for folder in ("output", ".meltano", "dbt_project"):
        texts += [
            file.read_text(encoding="utf-8", errors="replace")
            for file in (checkout.path / folder).rglob("*")
            if file.suffix in {".log", ".json", ".yml", ".txt", ".sql"} and file.is_file()
        ]
    with sqlite3.connect(checkout.path / ".meltano" / "meltano.db") as state:
        texts += ["\n".join(state.iterdump())]
    state.close()
    for secret in Credentials().secrets:
        assert not [text for text in texts if secret in text]


def test_it_leaves_no_process(demo: Ended, checkout: Checkout) -> None:
    assert demo.code == 0
    assert checkout.processes() == []


def test_the_review_page_opens_on_its_data(demo: Ended, checkout: Checkout) -> None:
    assert demo.code == 0
    page = checkout.start(*checkout.make("demo-review"), "REVIEW_ARGS=--port 0")
    try:
        assert page.stdout is not None
        address = next(line for line in page.stdout if line.startswith("http://")).strip()
        shown = requests.get(address, timeout=60).text
        assert "most useful first" in shown
        assert "Bring decisions into the tables" in shown
    finally:
        os.killpg(page.pid, signal.SIGINT)
        page.communicate(timeout=60)
    assert checkout.processes() == []


def _size_and_rows(content: bytes) -> tuple[tuple[int, int], set[bytes]]:
    """Return width and height of a PNG, and its rows of pixels as they are coded."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    position, coded, size = 8, b"", (0, 0)
    while position < len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind, data = content[position + 4 : position + 8], content[position + 8 :][:length]
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data)
        elif kind == b"IDAT":
            coded += data
        position += 12 + length
    pixels = zlib.decompress(coded)
    row = len(pixels) // size[1]
    return size, {pixels[start : start + row] for start in range(0, len(pixels), row)}


def test_the_pictures_of_the_docs_are_taken_of_it(
    demo: Ended, checkout: Checkout, tmp_path: Path
) -> None:
    """By the function of `make pictures`, which looks for the words of the pages."""
    assert demo.code == 0
    path = chromium()
    if path is None:
        pytest.skip(ABSENT)
    with browser(path) as opened:
        take(opened, _database(checkout), tmp_path)
    for picture in PICTURES:
        for folder in (tmp_path, DOCS):
            size, rows = _size_and_rows((folder / picture.name).read_bytes())
            assert size == (picture.width, picture.height), folder
            # Of a blank page all rows are one.
            assert len(rows) > 100, folder


def test_a_second_run_gives_the_same_rows(demo: Ended, checkout: Checkout) -> None:
    assert demo.code == 0
    before = _content(checkout)
    again = checkout.run(*checkout.make("demo"))
    assert again.code == 0, again.said
    assert "Setting up" not in again.said
    assert _content(checkout) == before


def test_the_query_it_shows_can_be_pasted(demo: Ended, checkout: Checkout) -> None:
    command = demo.said[demo.said.index("paste:\n") + len("paste:\n") :].strip()
    shown = checkout.run("sh", "-c", command)
    assert shown.code == 0, shown.said
    assert "company_name" in shown.said


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_it_started(
    demo: Ended, checkout: Checkout, kind: signal.Signals
) -> None:
    assert demo.code == 0
    python = str(checkout.path / ".venv" / "bin" / "python")
    with checkout.start(python, "-m", "tools.demo") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "records" in line:
                process.send_signal(kind)
                break
        said = process.stdout.read()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert checkout.processes() == []
    rows = checkout.rows(_database(checkout), "select count(*) from kananas.contacts")
    assert rows == [(2000,)]


def test_a_failure_ends_all_it_started(demo: Ended, checkout: Checkout) -> None:
    assert demo.code == 0
    database = checkout.path / "output" / "demo" / "warehouse.duckdb"
    with duckdb.connect(str(database)):
        python = str(checkout.path / ".venv" / "bin" / "python")
        failed = checkout.run(python, "-m", "tools.demo", TARGET_DUCKDB_LOCK_TIMEOUT="1")
    assert failed.code == 1
    assert f"locked by process {os.getpid()}" in failed.said
    assert "meltano.log" in failed.said.splitlines()[-1]
    assert checkout.processes() == []
