"""Samples whose truth is known: the check tells where intervals hold it, and where they do not."""

from __future__ import annotations

import argparse
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from evaluation import audit
from evaluation.building import build_links
from evaluation.inputs import generate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> audit.Built:
    folder = tmp_path_factory.mktemp("audit")
    truth = folder / "truth.csv"
    generate(folder / audit.WAREHOUSE, truth, contacts=400, companies=300, seed=7)
    build_links(
        folder / audit.WAREHOUSE, folder, {}, audit.SELECTION, environment=audit.files(folder)
    )
    return audit.Built(folder, truth)


def measured(built: audit.Built, capsys: pytest.CaptureFixture[str], **values: Any) -> Any:
    given = argparse.Namespace(draws=6, judgements=[60], wrong=0.0)
    vars(given).update(values)
    below = audit.measure(built, "one", given)
    rows = re.findall(
        r"^ +(\d+) +((?:precision|recall) of [\w ]+?) {2,}([\d.]*) +([\d.]+) +([\d.]+) +(\d+) *$",
        capsys.readouterr().out,
        re.MULTILINE,
    )
    return below, {name: tuple(map(float, (true or 0, estimate, width, held)))
                   for _, name, true, estimate, width, held in rows}  # fmt: skip


def test_the_truth_lies_in_the_intervals(
    built: audit.Built, capsys: pytest.CaptureFixture[str]
) -> None:
    below, rows = measured(built, capsys)
    assert below == []
    assert rows.keys() == {
        "precision of auto", "precision of review", "precision of each tier", "recall of auto",
        "recall of auto and review",
    }  # fmt: skip
    for name, (true, estimate, width, held) in rows.items():
        assert held == 100
        assert 0 <= width < 0.6
        if name != "precision of each tier":
            # Where all links of a status were judged, nothing is left open. Three digits are told.
            assert abs(true - estimate) <= width + 0.001
    assert rows["precision of auto"][2] > 0


def test_true_shares_are_those_of_the_truth(built: audit.Built) -> None:
    right, links = built.connection.execute(
        "select count(truth.company_id), count(*) from intermediate.int_links__decided as decided"
        " left join truth using (contact_id, company_id) where status = 'auto'"
    ).fetchone() or (0, 0)
    assert built.true_shares["precision", "auto"] == right / links
    found = built.true_shares["recall", "auto"] * len(built.truth)
    assert found == pytest.approx(right)


def test_a_judge_who_errs_makes_the_rules_look_worse(
    built: audit.Built, capsys: pytest.CaptureFixture[str]
) -> None:
    """With three of ten answers wrong no interval of the precision holds the truth."""
    below, rows = measured(built, capsys, wrong=0.3, judgements=[200])
    assert any("precision of auto" in line for line in below)
    true, estimate, _, held = rows["precision of auto"]
    assert estimate < true - 0.15
    assert held == 0


def test_calibration_is_the_distance_from_the_share_that_is_right(built: audit.Built) -> None:
    built.judge([], 0.0, random.Random(1))  # noqa: S311 - a simulation
    assert built.calibration("shipped_confidence") == built.calibration("moved_confidence")
    built.connection.execute(
        "update intermediate.int_links__bands set moved_confidence = 0.999, shipped_confidence = 0"
    )
    share = float(built.is_right.mean())
    assert built.calibration("shipped_confidence") == pytest.approx(share)
    assert built.calibration("moved_confidence") == pytest.approx(abs(0.999 - share))


def test_one_sample_is_told_beside_the_truth(
    built: audit.Built, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.proven(built)
    out = capsys.readouterr().out
    assert "contacts proves, judged by the truth" in out
    assert "precision of auto " in out
    assert "recall of auto and review" in out


def test_seeds_that_are_not_there_are_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--seeds", str(tmp_path)]) == 2
    assert "there is no link_bands.csv" in capsys.readouterr().err
    other = tmp_path / "fitted"
    other.mkdir()
    for name in ("link_levels.csv", "link_bands.csv"):
        (other / name).write_text("tier\nx\n", encoding="utf-8")
    project = audit.project_with(other, tmp_path)
    assert (project / "seeds" / "link_bands.csv").read_text(encoding="utf-8") == "tier\nx\n"
