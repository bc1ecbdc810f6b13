"""Each envelope with each lie: what the tap does, as a table in the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.kananas.corrupted_responses import LIES
from sandbox.kananas.envelopes import ENVELOPES
from sandbox.server import Options, running
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from tests.programs import Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kananas-answers.md"

CONTACTS = 30

HONEST = "honest"

INTRODUCTION = """\
# What tap-kananas does with each answer

Neither the envelope of Kananas' answers nor its way to report an error is public. The sandbox
serves each envelope we could think of (a row), honestly and with each lie a PHP service has
been seen to tell with status 200 (a column), and the test run writes down what the tap did.
*Read* is {contacts} contacts of {contacts}; *refused* is exit code 1, one line, and nothing sent.

"""


@dataclass(frozen=True)
class Result:
    """What the tap did with one answer."""

    word: str
    lines: tuple[str, ...]


def _result(outcome: Outcome) -> Result:
    assert "Traceback" not in outcome.err
    lines = tuple(
        re.sub(r"\d[\d,]* (characters|columns)", r"… \1", line.split("| ", 3)[-1].strip())
        for line in outcome.err.splitlines()
    )
    if outcome.code:
        assert outcome.code == 1
        assert outcome.out == ""
        assert len(lines) == 1
        return Result("refused", lines)
    assert len({record["id"] for record in outcome.records}) == CONTACTS
    assert len(outcome.of_type("ACTIVATE_VERSION")) == 1
    return Result("read" if len(lines) == 1 else "read, one warning", lines)


def _page(results: dict[str, dict[str, Result]]) -> str:
    lies = [HONEST, *LIES]
    lines = [
        f"| envelope | {' | '.join(lies)} |",
        f"|---|{'---|' * len(lies)}",
        *(
            f"| {envelope} | {' | '.join(row[lie].word for lie in lies)} |"
            for envelope, row in results.items()
        ),
        "",
        "What the tap says, in the envelope `object`; in the others only the place differs:",
        "",
    ]
    for lie in lies:
        lines += [f"* {lie}", "", *(f"      {line}" for line in results["object"][lie].lines), ""]
    lines += [
        "In the envelope `ambiguous`, with an honest answer:",
        "",
        *(f"      {line}" for line in results["ambiguous"][HONEST].lines),
        "",
        "With `records_path: items` that account is read like any other.",
    ]
    return INTRODUCTION.format(contacts=CONTACTS) + "\n".join(lines) + "\n"


def test_the_table_is_what_the_tap_does(tmp_path: Path) -> None:
    results: dict[str, dict[str, Result]] = {}
    for envelope in ENVELOPES:
        with running(Options(contacts=CONTACTS, companies=10, envelope=envelope)) as server:
            row = results[envelope] = {}
            for lie in (None, *LIES):
                server.kananas_lie = lie
                outcome = run_tap("tap_kananas", kananas_settings(server), tmp_path)
                row[lie or HONEST] = _result(outcome)
    page = _page(results)
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        PAGE.write_text(page, encoding="utf-8")
        pytest.fail(f"{PAGE.name} was not what the tap does: written anew, to be looked at")


def test_a_path_settles_what_is_ambiguous(tmp_path: Path) -> None:
    with running(Options(contacts=CONTACTS, companies=10, envelope="ambiguous")) as server:
        settings = kananas_settings(server, records_path="items")
        outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == CONTACTS
