"""Which decisions count, before dbt has read them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from console.decisions.standing import Standing
from tests.console.decisions.test_file import MOMENT, decision

if TYPE_CHECKING:
    from console.decisions.decision import Decision

IN_FORCE, SUPERSEDED, TAKEN_BACK = "in force", "superseded", "taken back"


def made(*given: tuple[str, str | None, str]) -> list[Decision]:
    """A decision a minute, given as the decision, what it is on, and what becomes of it."""
    decisions = []
    for number, (verdict, about, _) in enumerate(given):
        values: dict[str, Any] = {"undoes": about} if verdict == "undo" else {"company_id": about}
        if verdict in {"none", "unsure"}:
            values["sample"] = "s"
        decisions.append(
            decision(
                number,
                decision=verdict,
                contact_id="1",
                decided_at=MOMENT + timedelta(minutes=number),
                **values,
            )
        )
    return decisions


@pytest.mark.parametrize(
    "given",
    [
        [("force", "a", SUPERSEDED), ("force", "b", IN_FORCE)],
        [("force", "a", SUPERSEDED), ("forbid", "a", IN_FORCE)],
        [("forbid", "a", SUPERSEDED), ("force", "a", IN_FORCE)],
        [("forbid", "a", IN_FORCE), ("forbid", "b", IN_FORCE)],
        # What replaced another does not bring it back when it falls …
        [("force", "a", SUPERSEDED), ("force", "b", SUPERSEDED), ("forbid", "b", IN_FORCE)],
        # … unless it is taken back.
        [("force", "a", IN_FORCE), ("force", "b", TAKEN_BACK), ("undo", "d1", IN_FORCE)],
        [("later", None, SUPERSEDED), ("force", "a", IN_FORCE)],
        [("force", "a", IN_FORCE), ("later", None, IN_FORCE)],
        [("later", None, TAKEN_BACK), ("undo", "d0", IN_FORCE)],
        # Answers about a contact of a sample change no link, and the last one counts.
        [("unsure", None, SUPERSEDED), ("none", None, IN_FORCE), ("force", "a", IN_FORCE)],
        [("later", None, IN_FORCE), ("unsure", None, IN_FORCE)],
    ],
)
def test_what_becomes_of_decisions(given: list[tuple[str, str | None, str]]) -> None:
    decisions = made(*given)
    for lines in (decisions, decisions[::-1]):
        standing = Standing.of(lines)
        assert [standing.effect(each) for each in decisions] == [effect for *_, effect in given]


def test_that_a_contact_belongs_to_none_stands_until_it_is_linked() -> None:
    """Outside a sample; what a sample asks about is apart."""
    none = decision(1, decision="none", contact_id="1", company_id=None)
    standing = Standing.of([none])
    assert standing.effect(none) == IN_FORCE
    assert standing.judged == {}
    later = decision(2, contact_id="1", decided_at=MOMENT + timedelta(1))
    assert Standing.of([none, later]).effect(none) == SUPERSEDED


def test_a_duplicate_is_the_same_from_either_side() -> None:
    one = decision(1, kind="company_duplicate", left_id="a", right_id="b")
    other = decision(
        2, kind="company_duplicate", decision="forbid", left_id="b", right_id="a",
        decided_at=MOMENT + timedelta(1),
    )  # fmt: skip
    standing = Standing.of([one, other])
    assert [standing.effect(each) for each in (one, other)] == [SUPERSEDED, IN_FORCE]
