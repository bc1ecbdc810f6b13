"""Many judges of one set, in memory."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.building import project_variables
from evaluation.confidence import AUTO, MARGIN, REVIEW
from evaluation.many_judges import THRESHOLD, answers, linked, trial
from tests.evaluation.test_fit import _pairs
from tests.evaluation.test_learn import _shipped

#: All that is proposed waits for a person.
BANDS = [("name", -100, 0.6)]


def _set(contacts: int) -> list[tuple[int, str, bool, dict[str, int]]]:
    """Of two contacts one belongs to the company of its name, the other to none."""
    return [
        row
        for contact in range(contacts)
        for row in (
            (contact, "name", contact % 2 == 0, {"name": 1, "letters": 2, "missing": 0}),
            (contact, "name", False, {"name": 0, "letters": 0, "missing": 1}),
        )
    ]


def test_what_is_decided_is_right_and_the_rest_is_as_it_was() -> None:
    pairs = _pairs(_set(20))
    pairs = pairs._replace(truths=10)
    made = linked(pairs, _shipped(), BANDS)
    assert made.proposed.all()
    assert not made.auto.any()
    found = trial(pairs, _shipped(), BANDS, judgements=10, order="chosen", wrong=0, seed=1)
    assert found.before == pytest.approx(2 * 10 / 30)
    assert found.decided == pytest.approx(2 * 10 / 25)
    # Ten contacts are too few to learn from.
    assert found.refused
    assert found.learned == found.decided
    assert found.rest == found.rest_learned == pytest.approx(2 * 5 / 15)


def test_a_judge_who_errs_takes_another_pair_or_rules_the_right_one_out() -> None:
    pairs = _pairs(_set(4))
    asked = np.arange(4)
    right = answers(pairs, _shipped(), asked, 0, np.random.default_rng(1))
    assert (right.right == pairs.right).all()
    wrong = answers(pairs, _shipped(), asked, 1, np.random.default_rng(1))
    assert not (wrong.right & pairs.right).any()
    assert wrong.right.any()


def test_links_are_made_as_the_dbt_project_makes_them() -> None:
    variables = project_variables()
    assert variables["review_confidence"] == REVIEW
    assert variables["link_margin"] == MARGIN
    assert variables["auto_confidence"] == AUTO
    assert variables["link_threshold"] == THRESHOLD
