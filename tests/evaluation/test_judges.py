"""Simulated judges: what they answer, and what is counted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evaluation import judges
from evaluation.judges import Judge, Question, auto_precision, f1, trials

if TYPE_CHECKING:
    from console.decisions.decision import Decision

TRUTH = {"1": {"a"}, "2": {"b"}}
QUESTIONS = [Question("1", ["x", "a"]), Question("2", ["x"]), Question("3", ["x", "y"])]


def _said(decisions: list[Decision]) -> list[tuple[str | None, str, str | None]]:
    return [(each.contact_id, each.decision, each.company_id) for each in decisions]


def test_a_judge_forces_what_is_true_and_rules_out_all_else() -> None:
    decisions = Judge(TRUTH, 1, 0).decisions(QUESTIONS)
    assert _said(decisions) == [
        ("1", "force", "a"), ("2", "force", "b"), ("3", "forbid", "x"), ("3", "forbid", "y"),
    ]  # fmt: skip
    assert [each.action for each in decisions] == ["0", "1", "2", "2"]
    assert decisions[0].decided_at < decisions[1].decided_at < decisions[2].decided_at


def test_a_wrong_judge_forces_another_company_or_rules_the_right_one_out() -> None:
    said = _said(Judge(TRUTH, 1, 1).decisions([*QUESTIONS, Question("1", ["a"])]))
    assert said[:2] == [("1", "force", "x"), ("2", "force", "x")]
    assert said[2] in [("3", "force", "x"), ("3", "force", "y")]
    assert said[3:] == [("1", "forbid", "a")]


def test_a_judge_is_wrong_as_often_as_was_asked_for() -> None:
    many = [Question("1", ["x", "a"])] * 2000
    wrong = sum(each.company_id == "x" for each in Judge(TRUTH, 1, 0.05).decisions(many))
    assert 70 < wrong < 130


def test_links_are_scored_without_those_that_were_judged() -> None:
    found = {
        "1": ("a", "auto"), "2": ("x", "auto"), "3": ("x", "review"), "4": (None, "none"),
    }  # fmt: skip
    assert f1(found, TRUTH) == pytest.approx(2 / 5)
    assert f1(found, TRUTH, {"3"}) == pytest.approx(2 / 4)
    assert f1(found, TRUTH, {"2", "3"}) == 1
    assert auto_precision(found, TRUTH, frozenset()) == 0.5
    assert auto_precision(found, TRUTH, {"2"}) == 1


def test_no_more_is_asked_than_waits() -> None:
    assert trials(89) == [
        (50, "random", 0),
        (50, "chosen", 0),
        (89, "chosen", 0),
        (89, "chosen", 0.05),
    ]
    assert [number for number, *_ in trials(1000)] == [50, 50, 200, 200, 500, 500, 200]


def test_generated_data_is_judged_from_end_to_end(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(judges, "trials", lambda _: [(5, "random", 0.0)])
    assert judges.main(["--size", "300", "--seed", "3"]) == 0
    printed = capfd.readouterr().out
    assert "questions in the queue" in printed
    assert "  5       random  0%  " in printed
    assert "left nothing" in printed
