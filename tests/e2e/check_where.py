"""The same accounts by the words `file`, `lake` and `spark`: `make check-where`.

Jobs, marts, report and decisions are the same; a night without a change builds nothing, and a lake
that is gone is read anew.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb

from console.decisions.decision import Decision, new_id, now
from console.decisions.file import DecisionsFile
from evaluation.spark import NOT_COMPARED
from tests.console.report.reading import sections
from tests.e2e.checkout import settings_for
from tests.target_duckdb.lake.check_marts import rows

if TYPE_CHECKING:
    from pathlib import Path

    from console.decisions.decision import Verdict
    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout

WORDS = ("file", "lake", "spark")
COPIES = {"file": "warehouse.duckdb", "lake": "lake.duckdb", "spark": "warehouse.duckdb"}

SECONDS = 3600
OF_A_RUN = {"marts.run_steps", "marts.run_streams"}
"""What each run writes down of itself."""

MOMENT = re.compile(r"\d{1,2} \w{3} \d{4}, \d\d:\d\d|\b\d+(\.\d+)? seconds\b")
VERDICTS: tuple[Verdict, ...] = ("force", "forbid")
#: The contact and company of each: one that has none, and one that has it.
PAIRS = (
    """
    select contact_id, (select min(company_id) from marts.companies)
    from marts.contact_company_links where status = 'none' order by all limit 1
    """,
    """
    select contact_id, company_id
    from marts.contact_company_links where status = 'auto' order by all limit 1
    """,
)
LINKS = "select contact_id, company_id from marts.contact_company_links"


def refreshed(checkout: Checkout, server: Sandbox, word: str, *arguments: str) -> str:
    """Refresh by a word; return what it said."""
    command = [*checkout.make("refresh"), f"ENVIRONMENT={word}"]
    command.append(f"REFRESH_ARGS={' '.join(arguments)}")
    ended = checkout.run(*command, **settings_for(server))
    assert ended.code == 0, ended.said
    return ended.said


def copy_of(checkout: Checkout, word: str) -> Path:
    return checkout.path / "output" / word / "published" / COPIES[word]


def content(checkout: Checkout, word: str) -> dict[str, Any]:
    with duckdb.connect(str(copy_of(checkout, word)), read_only=True) as connection:
        found = rows(connection)
    return {name: table for name, table in found.items() if name not in OF_A_RUN}


def report(checkout: Checkout, word: str) -> dict[str, str]:
    """The words of each section of the report, without moments and seconds."""
    page = copy_of(checkout, word).with_name("report.html").read_text(encoding="utf-8")
    found = {name: MOMENT.sub("…", text) for name, text in sections(page).items()}
    # What it says of the run is its own, as are the tables of runs: all words share the folder in
    # which dbt leaves what it has to say.
    assert found.pop("run")
    return found


def other(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Which columns differ, by the name of their table; all that a table has where it lacks."""
    assert wanted.keys() == found.keys()
    differing = {
        name: [
            (column, columns[column], found[name][0].get(column))
            for place, column in enumerate(kept)
            if (name.partition(".")[2], column) not in NOT_COMPARED
            if columns[column] != found[name][0].get(column)
            or Counter(row[place] for row in content)
            != Counter(row[place] for row in found[name][2])
        ]
        for name, (columns, kept, content) in wanted.items()
        if (columns, content) != (found[name][0], found[name][2])
    }
    # Rows whose columns are all equal may still be other ones; types have the engine's own names.
    own = {f"marts.{mart}" for mart, _ in NOT_COMPARED}
    return {name: columns for name, columns in differing.items() if columns or name not in own}


def equal(checkout: Checkout) -> None:
    tables = {word: content(checkout, word) for word in WORDS}
    assert len(tables["file"]["marts.contact_company_links"][2]) == 120
    pages = {word: report(checkout, word) for word in WORDS}
    for word in WORDS[1:]:
        assert other(tables["file"], tables[word]) == {}, word
        assert pages[word] == pages["file"], word


def test_three_words(installed: Checkout, sandbox: Sandbox) -> None:
    installed.seconds = SECONDS
    # What a word installs over the environment of dbt is a change of programs for the others.
    for goal in ("lake", "on-spark"):
        ended = installed.run(*installed.make(goal))
        assert ended.code == 0, ended.said
    for word in WORDS:
        said = refreshed(installed, sandbox, word)
        assert "transform: Everything is built: " in said
    equal(installed)

    file = copy_of(installed, "file")
    pairs = [pair for query in PAIRS for pair in installed.rows(file, query)]
    decisions = [
        Decision(
            id=new_id(), kind="company_link", decision=verdict, contact_id=contact,
            company_id=company, author="check", decided_at=now(),
        )
        for verdict, (contact, company) in zip(VERDICTS, pairs, strict=True)
    ]  # fmt: skip
    for word in WORDS:
        DecisionsFile(installed.path / "output" / word / "decisions.jsonl").append(decisions)
        said = refreshed(installed, sandbox, word)
        whole = "Everything" if word == "spark" else "A part"
        assert f"transform: {whole} is built: what depends on decisions; nothing else" in said
    equal(installed)
    for word in WORDS:
        links = dict(installed.rows(copy_of(installed, word), LINKS))
        assert links[pairs[0][0]] == pairs[0][1]
        assert links[pairs[1][0]] != pairs[1][1]

    for word in WORDS:
        assert "transform: Nothing is built: " in refreshed(installed, sandbox, word)
    equal(installed)

    for gone in ("catalog.sqlite", "data"):
        path = installed.path / "output" / "lake" / gone
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = refreshed(installed, sandbox, "lake", "--load-only")
    assert re.search(r"kananas: is read whole: .*catalog\.sqlite has nothing of it", said)
    assert re.search(r"kizen: is read whole: .*catalog\.sqlite has nothing of it", said)
