"""The sample is judged blind, and its answers are decisions that say so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace

from console.audit.sample import Drawn, SamplesFile
from console.decisions.decision import Decision, now
from tests.console.review.serving import serving
from tests.console.review.test_browser import page, press  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.console.review.serving import Server, Visitor


def drawn(position: int, contact: str, company: str | None = None, seed: int = 1) -> Drawn:
    return Drawn(
        id="s", contact_id=contact, stratum="x", stratum_size=9, status_size=9,
        status="auto" if company else "none", drawn_for="status", position=position,
        company_id=company, tier="name", confidence=0.98, rule_version="8", seed=seed, margin=0.03,
        drawn_at=now(),
    )  # fmt: skip


@pytest.fixture
def sampled(server: Server) -> Server:
    """Contact 45 has a link; 80 has none, and no candidate; who is gone is not asked about."""
    SamplesFile(server.file.path).append(
        [drawn(1, "45", "c22"), drawn(2, "gone", "c1"), drawn(3, "3", "c1"), drawn(4, "80")]
    )
    return server


def shown(visitor: Visitor) -> list[str]:
    return re.findall(r'name="shown" value="(\w+)"', visitor.html)


def answers(server: Server) -> list[tuple[str | None, str | None, str, str | None]]:
    return [
        (each.contact_id, each.company_id, each.decision, each.sample)
        for each in server.decisions()
    ]


def test_nothing_betrays_what_is_proposed(sampled: Server, tmp_path: Path) -> None:
    visitor = sampled.visitor()
    visitor.go("/audit")
    assert "1 of 4, drawn by lot" in visitor.text
    assert "Audit 4" in visitor.text
    for word in ("score", "points", "+11", "auto", "review queue", "confidence", "proposed", "Why"):
        assert word not in visitor.text
    for word in ("proposal", "c22 ", "the names are equal", "0.98", "98%"):
        assert word not in visitor.html
    # In the order of the scores the link comes first: among seeds it has every place.
    places = set()
    for seed in range(30):
        decisions = tmp_path / str(seed) / "decisions.jsonl"
        SamplesFile(decisions).append([drawn(1, "45", "c22", seed)])
        blind = sampled.review.questions.blind(SamplesFile(decisions).last()[0])
        assert blind is not None
        places.add([company.id for company, _ in blind.companies].index("c22"))
    assert places == {0, 1, 2, 3, 4}


def test_each_answer_is_a_decision_of_the_sample(sampled: Server) -> None:
    visitor = sampled.visitor()
    visitor.go("/audit")
    first = shown(visitor)
    assert sorted(first) == ["c0", "c1", "c2", "c22", "c3"]
    visitor.press(str(first.index("c22") + 1), reason="known")
    assert "Saved." in visitor.text
    assert visitor.contact() == "3"
    second = shown(visitor)
    visitor.press("n")
    assert visitor.contact() == "80"
    visitor.press("c")
    assert "The sample is judged" in visitor.text
    assert "Audit 1" in visitor.text  # who is gone has no answer
    assert answers(sampled) == [
        ("45", "c22", "force", "s"),
        ("3", None, "none", "s"),
        *(("3", each, "forbid", "s") for each in second),
        ("80", None, "unsure", "s"),
    ]
    assert sampled.decisions()[0].reason == "known"


def test_what_is_taken_back_is_asked_again(sampled: Server) -> None:
    visitor = sampled.visitor()
    visitor.go("/audit")
    visitor.press("n")
    visitor.press("u")
    assert visitor.path == "/audit"
    assert visitor.contact() == "45"
    assert all(each.decision == "undo" for each in sampled.decisions()[-6:])


def test_another_company_can_be_searched_for(sampled: Server) -> None:
    visitor = sampled.visitor()
    visitor.go("/audit")
    visitor.search("Élan 17 sarl")
    assert "Boulangerie Élan 17 SARL" in visitor.text
    visitor.press("1")
    assert visitor.path == "/audit"
    assert answers(sampled) == [("45", "c17", "force", "s")]


def test_decisions_of_the_queue_answer_nothing_and_are_not_said_twice(sampled: Server) -> None:
    queue = Decision(
        id="q1", kind="company_link", decision="forbid", contact_id="45", company_id="c1",
        decided_at=now(),
    )  # fmt: skip
    other = replace(queue, id="q2", decision="force", company_id="c9")
    sampled.file.append([queue, other])
    visitor = sampled.visitor()
    visitor.go("/audit")
    assert visitor.contact() == "45"
    assert "c1" in shown(visitor)
    visitor.press("n")
    said = {company for contact, company, decision, sample in answers(sampled) if sample}
    # What is forced cannot be right either; what was ruled out before stays of the queue.
    assert said == {None, "c0", "c2", "c22", "c3", "c9"}


def test_without_a_sample_it_says_how_to_draw_one(visitor: Visitor) -> None:
    visitor.go("/audit")
    assert "No sample has been drawn" in visitor.text
    assert "make audit" in visitor.text


def test_a_contact_of_no_sample_cannot_be_judged(sampled: Server) -> None:
    visitor = sampled.visitor()
    visitor.go("/audit")
    button = next(each for each in visitor.buttons if each.key == "n")
    values = dict(button.values) | {"contact": "1"}
    visitor.post("/judge", values)
    assert visitor.status == 400
    assert sampled.decisions() == []


def test_the_sample_is_judged_by_keyboard_in_french(
    published: Path,
    tmp_path: Path,
    page: Page,  # noqa: F811
) -> None:
    decisions = tmp_path / "decisions.jsonl"
    SamplesFile(decisions).append([drawn(1, "45", "c22"), drawn(2, "80")])
    with serving(published, decisions) as server:
        page.goto(f"{server.base}/open/{server.review.sessions.one_time_token()}")
        page.click("button[lang=fr]")
        page.click("a[href='/audit']")
        assert "1 sur 2, tirés au sort" in page.inner_text("h1")
        assert Axe().run(page).response["violations"] == []
        press(page, "1")
        assert Axe().run(page).response["violations"] == []
        press(page, "n")
        assert page.inner_text("h1") == "L’échantillon est jugé"  # noqa: RUF001 - French
        assert [each.decision for each in server.decisions()[:2]] == ["force", "none"]
        page.goto("about:blank")
