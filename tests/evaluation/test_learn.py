"""Weights of an account's own: what they learn from decisions, and when they are refused."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest

from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from evaluation import learn, own_weights
from evaluation.levels import FIXED, SEEDS, read_levels
from evaluation.logit import designed, pair_scores, points, steps_of
from evaluation.own_weights import FOLDS, Decided, Outcome, of_contacts, outcome
from tests.evaluation.test_fit import LEVELS, _pairs

if TYPE_CHECKING:
    from evaluation.levels import Level
    from evaluation.pairs import Pairs
    from tests.evaluation.conftest import Evaluation

SHIPPED = {
    ("pair", "any"): -2, ("name", "exact"): 6, ("name", "different"): -6,
    ("letters", "from_50"): 1, ("letters", "from_90"): 2, ("missing", "from_50"): -3,
}  # fmt: skip


def _shipped() -> list[Level]:
    return [
        level._replace(weight=SHIPPED.get((level.feature, level.level), level.weight))
        for level in LEVELS
    ]


def _weights(levels: list[Level]) -> dict[tuple[str, str], int]:
    return {(level.feature, level.level): level.weight for level in levels}


def _account(contacts: int, *, equal_names_are_right: bool, ruled_out: bool = False) -> Pairs:
    """Return decided contacts, each with an equal and a different name beside it."""
    rows = []
    for contact in range(contacts):
        is_right = equal_names_are_right and not ruled_out
        rows.append((contact, "name", is_right, {"name": 1, "letters": 2, "missing": 0}))
        rows.append((contact, "name", False, {"name": 0, "letters": 0, "missing": 1}))
    pairs = _pairs(rows)
    is_open = np.array([False, ruled_out] * contacts)
    return pairs._replace(open=is_open)


@pytest.mark.parametrize("levels", [_shipped(), read_levels(SEEDS / "link_levels.csv")])
def test_shipped_weights_come_back_as_they_are(levels: list[Level]) -> None:
    design = designed(levels)
    back = _weights(points(steps_of(levels, design), levels, design))
    assert back == _weights(levels) | {key: back[key] for key in FIXED.keys() & back.keys()}


def test_decisions_move_the_weights_they_speak_about_and_no_trend_is_broken() -> None:
    shipped = _shipped()
    own = _weights(own_weights.own_weights(_account(200, equal_names_are_right=False), shipped))
    assert own["name", "exact"] <= SHIPPED["name", "exact"] - 2
    assert own["letters", "from_0"] <= own["letters", "from_50"] <= own["letters", "from_90"]
    assert own["vat", "equal"] == 35
    few = _weights(own_weights.own_weights(_account(2, equal_names_are_right=False), shipped))
    assert abs(few["name", "exact"] - SHIPPED["name", "exact"]) <= 1


def test_a_company_ruled_out_leaves_the_others_possible() -> None:
    """Where one of two is ruled out, the other one may be right; where both are, none is."""
    shipped = [
        level._replace(weight=6) if level.level == "different" else level for level in _shipped()
    ]
    ruled_out, other = pair_scores(_account(1, equal_names_are_right=False), shipped)
    one, both = (
        pair_scores(pairs, own_weights.own_weights(pairs, shipped))
        for pairs in (
            _account(200, equal_names_are_right=False, ruled_out=is_one) for is_one in (True, False)
        )
    )
    assert one[0] < ruled_out - 5
    assert one[1] > both[1] + 5
    assert both[1] < other - 5


def test_the_loss_of_a_decision_is_that_of_what_it_leaves_possible() -> None:
    pairs = _account(1, equal_names_are_right=True, ruled_out=True)
    scores = np.array([-2 + 6 + 2, -2 - 6 - 3])
    odds = 10 ** (scores / 10)
    wanted = -np.log((1 + odds[1]) / (1 + odds.sum()))
    found = outcome(pairs, _shipped())
    assert found.losses == pytest.approx([wanted])
    assert (found.right, found.wrong) == (0, 1)


def test_the_pairs_of_some_contacts_are_theirs() -> None:
    pairs = _account(4, equal_names_are_right=True)
    some = of_contacts(pairs, np.array([False, True, False, True]))
    assert some.starts.tolist() == [0, 2]
    assert some.groups.tolist() == [0, 0, 1, 1]
    assert some.right.tolist() == [True, False] * 2


def test_a_gain_that_chance_explains_is_refused() -> None:
    noise = np.tile([0.5, -0.4], 50)
    shipped = Outcome(np.ones(100), 50, 10)
    assert own_weights.objection(shipped, Outcome(np.ones(100) - 0.2, 50, 10)) is None
    refused = own_weights.objection(shipped, Outcome(np.ones(100) - noise, 50, 10))
    assert refused is not None
    assert refused.startswith("own weights are not surely better: on 100 contacts")
    worse = own_weights.objection(shipped, Outcome(np.ones(100) - 0.2, 49, 10))
    assert worse is not None
    assert worse.endswith("49 right and 10 wrong links instead of 50 and 10")


def test_few_decisions_are_too_few() -> None:
    pairs = _account(40, equal_names_are_right=True)
    parts = np.arange(40) % FOLDS
    assert own_weights.too_few(Decided(pairs, parts)) is None
    assert own_weights.too_few(Decided(pairs, parts[:29])) is not None
    assert own_weights.too_few(Decided(pairs, np.zeros(40, dtype=int))) is not None


@pytest.fixture
def copy(evaluation: Evaluation, tmp_path: Path) -> Path:
    """A file of the name that its views were made in."""
    return Path(shutil.copyfile(evaluation.warehouse, tmp_path / "warehouse.duckdb"))


def _decide(copy: Path, path: Path, limit: int) -> None:
    """Rule out the links of contacts that name no organisation, and confirm the others."""
    with duckdb.connect(copy, read_only=True) as connection:
        rows = connection.execute(
            "select contact_id, company_id, name_level is not distinct from 'not_given'"
            " from marts.contact_company_links as links"
            " inner join intermediate.int_links__scored using (contact_id, company_id)"
            " order by contact_id limit ?",
            [limit],
        ).fetchall()
    moment = datetime(2026, 2, 1, tzinfo=timezone.utc)
    DecisionsFile(path).append(
        Decision(
            id=f"d{number}",
            kind="company_link",
            decision="forbid" if is_nameless else "force",
            contact_id=contact,
            company_id=company,
            decided_at=moment,
        )
        for number, (contact, company, is_nameless) in enumerate(rows)
    )


def test_an_account_learns_what_its_decisions_say(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    decisions, output = tmp_path / "decisions.jsonl", tmp_path / "own" / "link_levels.csv"
    _decide(copy, decisions, 400)
    given = ["--db", str(copy), "--decisions", str(decisions)]
    given += ["--output", str(output)]
    before = copy.read_bytes()
    assert learn.main(given) == 0
    shown, _, end = (printed := capfd.readouterr().out).partition("\nNothing is written.")
    assert end.startswith(" `make learn WRITE=1` writes")
    assert not output.exists()
    shipped = _weights(read_levels(SEEDS / "link_levels.csv"))
    assert re.search(rf"name +not_given +{shipped['name', 'not_given']} +-\d+", printed)
    assert re.search(r"lost +auto +none +\d+", printed)
    assert learn.main([*given, "--write"]) == 0
    assert copy.read_bytes() == before
    with output.open(encoding="utf-8", newline="") as file:
        own = {(row["feature"], row["level"]): int(row["weight"]) for row in csv.DictReader(file)}
    assert own["name", "not_given"] <= shipped["name", "not_given"] - 4
    assert ("vat", "equal") not in own
    # The same decisions make the same weights and links.
    assert capfd.readouterr().out.startswith(shown)


def test_what_teaches_too_little_is_refused_in_one_line(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    decisions, output = tmp_path / "decisions.jsonl", tmp_path / "link_levels.csv"
    _decide(copy, decisions, 10)
    given = ["--db", str(copy), "--decisions", str(decisions)]
    assert learn.main([*given, "--output", str(output), "--write"]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["too few decisions: 10 contacts with a candidate, of 30 at least"]
    assert not output.exists()
    assert learn.main(["--db", str(tmp_path / "none.duckdb")]) == 2
