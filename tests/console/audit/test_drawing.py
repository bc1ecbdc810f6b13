"""A sample is drawn by lot, the same for the same seed, and each part of it by the same lots."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import pytest

from console.audit.cli import main
from console.audit.drawing import LEAST, Link, Plan, draw, judgements_for
from console.audit.sample import SamplesFile
from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from console.report.interval import exact

if TYPE_CHECKING:
    from pathlib import Path

    from console.audit.sample import Drawn

MOMENT = datetime(2026, 11, 29, tzinfo=timezone.utc)
NOTHING, NO_KEY, NEAREST = (
    "nothing to link by: no organisation", "no company shares a key with it",
    "the nearest company, Élan, agrees too little",
)  # fmt: skip


def link(number: int) -> Link:
    """Of ten contacts four have a company, one has a proposal, and five have none."""
    place, contact = number % 10, f"é{number}"
    if place < 5:
        status = "auto" if place < 4 else "review"
        tier = "name" if number % 500 else "vat"
        return Link(contact, f"c{number}", status, tier, (0.999, 0.97, 0.6)[place // 2], "", "8")
    reasons = (NOTHING, NO_KEY, NEAREST, NEAREST, NEAREST)[place - 5]
    return Link(contact, None, "none", None, None, reasons, "8")


LINKS = [link(number) for number in range(4000)]


def drawn(links: list[Link], plan: Plan) -> list[Drawn]:
    return draw(links, plan, "s", MOMENT)


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    shuffled = random.Random(1).sample(LINKS, len(LINKS))  # noqa: S311
    one, other = drawn(LINKS, Plan()), drawn(shuffled, Plan())
    assert one == other
    assert [each.position for each in one] == list(range(1, len(one) + 1))
    contacts = {each.contact_id for each in one}
    assert len(contacts) == len(one)
    assert len(contacts & {each.contact_id for each in drawn(LINKS, Plan(seed=2))}) < len(one) / 2


def test_strata_are_told_with_their_sizes_and_each_is_drawn_from() -> None:
    sizes = Counter(each.stratum for each in LINKS)
    assert set(sizes) == {
        "auto: name: from 0.99", "auto: name: from 0.97", "review: name: from 0",
        "auto: vat: from 0.99", "none: nothing to link by", "none: no company shares a key",
        "none: too little agrees",
    }  # fmt: skip
    found = drawn(LINKS, Plan())
    assert {each.stratum: each.stratum_size for each in found} == sizes
    assert {each.status: each.status_size for each in found} == {
        "auto": 1600, "review": 400, "none": 2000,
    }  # fmt: skip
    counts = Counter(each.stratum for each in found)
    assert min(counts.values()) == LEAST
    # Where more is missed, more are drawn.
    assert counts["none: too little agrees"] > 3 * counts["none: no company shares a key"]


def test_a_larger_sample_and_other_rules_keep_what_was_drawn() -> None:
    small = drawn(LINKS, Plan(judgements=100))
    large = drawn(LINKS, Plan(judgements=400))
    of_status = {each.contact_id for each in small if each.drawn_for == "status"}
    assert of_status <= {each.contact_id for each in large if each.drawn_for == "status"}
    others = [
        replace(each, tier="other", rule_version="9") if each.status == "auto" else each
        for each in LINKS
    ]
    anew = {each.contact_id for each in drawn(others, Plan(judgements=100))}
    assert of_status <= anew


def test_each_contact_is_as_likely_as_any_other_of_its_status() -> None:
    """Over many seeds: no lot depends on the place or the tier of a contact."""
    links, seeds = LINKS[:200], range(400)
    counts = Counter(
        each.contact_id
        for seed in seeds
        for each in drawn(links, Plan(seed=seed, judgements=40))
        if each.status == "auto" and each.drawn_for == "status"
    )
    sizes = [counts[each.contact_id] for each in links if each.status == "auto"]
    share = sum(sizes) / len(sizes) / len(seeds)
    spread = (share * (1 - share) * len(seeds)) ** 0.5
    assert max(abs(size - share * len(seeds)) for size in sizes) < 4 * spread


def test_who_stops_early_has_judged_a_part_of_each_status() -> None:
    found = drawn(LINKS, Plan(judgements=220))
    first = Counter(each.status for each in found[:55])
    assert all(abs(first[status] - share) <= 8 for status, share in
               {"auto": 30, "review": 10, "none": 15}.items())  # fmt: skip
    assert len({each.status for each in found[:10]}) > 1


@pytest.mark.parametrize(("share", "margin"), list(product((0.5, 0.9, 0.98, 1.0), (0.03, 0.1))))
def test_so_many_judgements_make_the_interval_so_narrow(share: float, margin: float) -> None:
    number = judgements_for(share, margin)
    low, high = exact(round(share * number), number)
    assert high - low <= 2 * margin
    low, high = exact(round(share * number * 0.8), round(number * 0.8))
    assert high - low > 2 * margin


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("""
            create schema intermediate;
            create table intermediate.int_links__decided (
                contact_id varchar, company_id varchar, status varchar, tier varchar,
                confidence decimal(4, 3), reasons varchar, rule_version varchar)
        """)
        connection.executemany(
            "insert into intermediate.int_links__decided values (?, ?, ?, ?, ?, ?, ?)",
            [list(vars(each).values()) for each in LINKS[:400]],
        )
    return path


def test_the_command_writes_a_sample_once(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = tmp_path / "kept" / "decisions.jsonl"
    arguments = ["--db", str(copy), "--decisions", str(decisions)]
    assert main(arguments) == 0
    file = SamplesFile(decisions)
    one = file.last()
    assert (
        f"{len(one)} contacts drawn, written to {file.path}; 0 of them" in capsys.readouterr().out
    )
    assert file.path == tmp_path / "kept" / "audits.jsonl"
    assert file.path.stat().st_mode & 0o777 == 0o600
    DecisionsFile(decisions).append(
        Decision(
            id=str(number), kind="company_link", decision="unsure", decided_at=MOMENT,
            contact_id=one[0].contact_id, sample=sample,
        ) for number, sample in enumerate([one[0].id, None])
    )  # fmt: skip
    assert main(arguments) == 0
    assert "drawn before" in capsys.readouterr().out
    assert file.read() == one
    assert main([*arguments, "--margin", "0.02"]) == 0
    assert "; 1 of them are judged already" in capsys.readouterr().out
    other = file.last()
    assert len(other) > len(one)
    assert file.read() == [*one, *other]


def test_what_cannot_be_drawn_is_said(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions = ["--decisions", str(tmp_path / "decisions.jsonl")]
    assert main(["--db", str(tmp_path / "none.duckdb"), *decisions]) == 1
    assert "there is no published copy" in capsys.readouterr().err
    with duckdb.connect(copy) as connection:
        connection.execute("drop table intermediate.int_links__decided")
    assert main(["--db", str(copy), *decisions]) == 1
    assert "meltano run transform" in capsys.readouterr().err
    for wrong in (["--margin", "0"], ["--margin", "x"], ["--judgements", "0"]):
        with pytest.raises(SystemExit, match="2"):
            main(wrong)
