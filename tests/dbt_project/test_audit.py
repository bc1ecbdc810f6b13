"""A sample from the lot to the mart: what is judged is a decision, and measures the rules."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from math import comb, sqrt
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from console.audit.cli import main
from console.audit.sample import SamplesFile
from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from console.report.interval import exact
from tests.console.review.serving import serving
from tests.dbt_project.project import RULE_VERSION, VARIABLES, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from console.audit.sample import Drawn
    from tests.dbt_project.project import Project

#: Of 40 contacts 30 name a company; six a company that is not there; four nothing.
RAW = """
create schema kananas; create schema kizen;
create table kizen.companies as
select
    'c' || n as id, 'Zyra' || chr(cast(97 + n as int)) || 'tex Wolim' || n as name,
    'info@zyratex' || n || '.example' as email
from range(0, 30) as numbers (n);
create table kananas.contacts as
select
    n as id, 'Zoé' as first_name, 'Roy ' || n as last_name,
    case when n < 30 then 'Zyra' || chr(cast(97 + n as int)) || 'tex Wolim' || n
        when n < 36 then 'Quovadis Brumal ' || n end as organisation,
    case when n < 30 then 'p@zyratex' || n || '.example' end as email
from range(0, 40) as numbers (n);
"""
MOMENT = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
MODELS = ("+link_quality", "+contact_company_links")
# What an answer, a sample or a variable of the bands can change.
CHANGED = tuple(
    f"{changed}+,{model}"
    for changed in ("int_decisions__file", "int_samples__drawn", "int_links__bands")
    for model in MODELS
)
RULES = """
select contact_id, status, company_id, tier, confidence from intermediate.int_links__decided
order by contact_id
"""


@dataclass(frozen=True)
class Audited:
    """An account whose sample was judged on the page: what the rules say before and after."""

    drawn: list[Drawn]
    rules_before: list[tuple[Any, ...]]
    rules: list[tuple[Any, ...]]
    links: dict[str, tuple[Any, ...]]
    quality: dict[tuple[str, str], dict[str, Any]]
    decisions: DecisionsFile
    wrong: str
    unsure: str


def rows(database: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(database, read_only=True) as connection:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def quality(database: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = rows(database, "select * from marts.link_quality")
    return {(row["measure"], row["scope"]): row for row in found}


def build(
    project: Project,
    database: Path,
    decisions: Path,
    *models: str,
    **variables: Any,
) -> None:
    given = ("--vars", json.dumps(variables)) if variables else ()
    run = project.run(
        database, "run", "--select", *(models or CHANGED), *given,
        DUCKDB_DECISIONS_PATH=str(decisions),
    )  # fmt: skip
    assert run.exit_code == 0, run.output


def draw(database: Path, decisions: Path) -> int:
    arguments = ["--db", str(database), "--decisions", str(decisions), "--judgements", "40"]
    return main(arguments)


@pytest.fixture(scope="module")
def audited(
    project: Project, seeds: Path, database_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Audited:
    """The judge agrees but with one link, cannot tell one, and finds none for who has none."""
    decisions = DecisionsFile(tmp_path_factory.mktemp("it's [b] *?") / "decisions.jsonl")
    shutil.copyfile(seeds, database_path)
    write(database_path, *RAW.split(";")[:-1])
    build(project, database_path, decisions.path, *MODELS)
    before = read(database_path, RULES)
    assert draw(database_path, decisions.path) == 0
    drawn = SamplesFile(decisions.path).last()
    links = [each for each in drawn if each.company_id]
    wrong, unsure = links[0].contact_id, links[1].contact_id
    with serving(database_path, decisions.path) as server:
        visitor = server.visitor()
        visitor.go("/audit")
        for _ in drawn:
            contact = visitor.contact()
            proposed = next(each.company_id for each in drawn if each.contact_id == contact)
            if contact == unsure:
                visitor.press("c")
            elif proposed is None or contact == wrong:
                visitor.press("n")
            else:
                shown = [value for button in visitor.buttons if button.key == "1"
                         for name, value in button.values if name == "shown"]  # fmt: skip
                visitor.press(str(shown.index(proposed) + 1))
        assert "The sample is judged" in visitor.text
    build(project, database_path, decisions.path)
    return Audited(
        drawn,
        before,
        read(database_path, RULES),
        {
            contact: tuple(link)
            for contact, *link in read(
                database_path,
                "select contact_id, status, company_id, confidence, runner_up_company_id"
                " from marts.contact_company_links",
            )
        },
        quality(database_path),
        decisions,
        wrong,
        unsure,
    )


def test_answers_are_decisions_in_force_and_change_no_rule(audited: Audited) -> None:
    assert audited.rules == audited.rules_before
    assert audited.links[audited.wrong] == ("forbidden", None, None, None)
    status = {each.contact_id: each.status for each in audited.drawn}
    assert audited.links[audited.unsure][0] == status[audited.unsure]
    forced = {contact for contact, (link, *_) in audited.links.items() if link == "forced"}
    linked = {each.contact_id for each in audited.drawn if each.company_id}
    assert forced == linked - {audited.wrong, audited.unsure}


def of_all(successes: int, trials: int, population: int) -> tuple[float, float]:
    """Return the exact bounds, corrected for the number of contacts: docs/audit.md."""
    share = successes / trials
    low, high = exact(successes, trials)
    chance = sqrt((population - trials) / (population - 1))
    step = (1 - chance) / (2 * trials) if chance else 0
    below, above = (min(one, chance * one + step) for one in (share - low, high - share))
    return share - below, share + above


@pytest.mark.parametrize(("population", "drawn"), [(20, 16), (50, 10), (50, 49), (100, 70)])
def test_bounds_of_all_contacts_hold_the_truth(population: int, drawn: int) -> None:
    """However many of them are right, in 95 of 100 samples: nobody is drawn twice."""
    bounds = [of_all(successes, drawn, population) for successes in range(drawn + 1)]
    for right in range(population + 1):
        held = sum(
            comb(right, successes) * comb(population - right, drawn - successes)
            for successes, (low, high) in enumerate(bounds)
            if low - 1e-9 <= right / population <= high + 1e-9
        )
        assert held / comb(population, drawn) >= 0.95, right


def test_the_mart_counts_what_was_judged(audited: Audited) -> None:
    auto = audited.quality["precision", "auto"]
    judged = sum(each.status == "auto" for each in audited.drawn) - 1
    assert judged > 15
    assert (auto["judged_count"], auto["right_count"]) == (judged, judged - 1)
    assert (auto["unsure_count"], auto["changed_count"], auto["drawn_count"]) == (1, 0, judged + 1)
    assert auto["contact_count"] == 30
    low, high = of_all(judged - 1, judged, 30)
    assert (auto["lower_bound"], auto["upper_bound"]) == pytest.approx((low, high), abs=2e-6)
    cautious, _ = of_all(judged - 1, judged + 1, 30)
    assert auto["cautious_lower_bound"] == pytest.approx(cautious, abs=2e-6)
    recall = audited.quality["recall", "auto"]
    assert recall["estimate"] == 1  # who is wrong belongs to none, and nobody was missed
    assert 0 < recall["lower_bound"] < 1 == recall["upper_bound"]
    assert {row["margin"] for row in audited.quality.values()} == {0.03}


def test_bounds_are_those_that_python_reckons(audited: Audited, database_path: Path) -> None:
    """The very SQL of the mart, over many counts at once."""
    assert audited.quality
    with duckdb.connect(database_path, read_only=True) as connection:
        for successes, trials, low, high in connection.execute(
            "select successes, trials, lower_bound, upper_bound"
            " from intermediate.int_samples__bounds"
        ).fetchall():
            assert (low, high) == pytest.approx(exact(successes, trials), abs=2e-6)


def test_bands_follow_where_they_are_told_to_and_the_version_says_so(
    audited: Audited, project: Project, database_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = audited.decisions.path
    # What was shipped counts for so many links that they stay `auto`.
    build(project, database_path, path, **VARIABLES)
    bands = rows(database_path, "select * from intermediate.int_links__bands")
    assert all(band["confidence"] == band["moved_confidence"] for band in bands)
    moved = [band for band in bands if band["judged_links"] > 0]
    assert moved
    assert any(band["moved_confidence"] < band["shipped_confidence"] for band in moved)
    # What the sample says of all bands counts in tiers, too, of which nothing was judged.
    assert any(
        band["moved_confidence"] < band["shipped_confidence"]
        for band in bands
        if band["tier"] not in {one["tier"] for one in moved}
    )
    versions = read(
        database_path, "select distinct rule_version from intermediate.int_links__decided"
    )
    assert versions == [(f"{RULE_VERSION}+bands",)]
    # The sample tells of other rules now, until it is drawn anew: then the answers count again.
    found = quality(database_path)["precision", "auto"]
    assert (found["judged_count"], found["estimate"]) == (0, None)
    assert found["changed_count"] == found["drawn_count"]
    assert draw(database_path, path) == 0
    assert "; 0 of them are judged" not in capsys.readouterr().out
    build(project, database_path, path, **VARIABLES)
    found = quality(database_path)["recall", "auto and review"]
    assert found["judged_count"] > 20


def test_a_decision_of_the_queue_counts_nowhere_but_as_a_contradiction(
    audited: Audited, project: Project, database_path: Path
) -> None:
    path = audited.decisions.path
    build(project, database_path, path)
    before = quality(database_path)["recall", "auto and review"]
    outside = {each.contact_id for each in audited.drawn}
    contact = next(contact for contact in audited.links if contact not in outside)
    told = Decision(
        id="queue", kind="company_link", decision="force", contact_id=contact, company_id="c0",
        decided_at=MOMENT,
    )  # fmt: skip
    against = Decision(
        id="against", kind="company_link", decision="force", contact_id=audited.wrong,
        company_id="c29", decided_at=MOMENT,
    )  # fmt: skip
    audited.decisions.append([told, against])
    build(project, database_path, path)
    after = quality(database_path)["recall", "auto and review"]
    assert after["contradicted_count"] == 1
    assert {**after, "contradicted_count": 0} == before
