"""The page without its script: questions, decisions, searches, and what is told when it fails."""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

from console.decisions.decision import Decision, now
from console.review.alike import ALIKE
from tests.console.review.copy import make
from tests.console.review.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.console.review.serving import Server, Visitor


def links(decisions: list[Decision]) -> list[tuple[str | None, str | None, str]]:
    return [
        (each.contact_id, each.company_id or each.kizen_contact_id, each.decision)
        for each in decisions
    ]


def test_a_question_shows_both_sides_why_and_who_else(visitor: Visitor) -> None:
    assert visitor.path == "/companies"
    for shown in (
        "1 of 40, most useful first", "Contact 1 (Kananas): Max Roy 1",
        "Boulangerie Élan 0 SARL (Kizen)", "not given", "the names are equal +18",
        "Of such proposals, 80% are right.", "4 Boulangerie Élan 4 SARL",
    ):  # fmt: skip
        assert shown in visitor.text
    assert "<mark><bdi>Brest</bdi></mark>" in visitor.html
    assert "<mark><bdi>44000</bdi></mark>" not in visitor.html


def test_each_key_has_its_decision(server: Server, visitor: Visitor) -> None:
    visitor.press("y", reason="she said so")
    assert "Saved." in visitor.text
    # A screen reader begins with the title of the page that has come.
    assert "<title>Saved. · Review" in visitor.html
    assert "2 of 40" in visitor.text
    visitor.press("2")
    visitor.press("n")
    visitor.press("l")
    decisions = server.decisions()
    assert links(decisions) == [
        ("1", "c0", "force"),
        ("2", "c3", "force"),
        *(("3", f"c{number}", "forbid") for number in range(1, 6)),
        ("4", None, "later"),
    ]
    assert decisions[0].reason == "she said so"
    assert {(each.author, each.source) for each in decisions} == {("Ida", "review page")}
    assert len({each.action for each in decisions}) == 4
    # What was put off comes last.
    assert visitor.contact() == "5"
    assert server.review.questions.open("companies", server.review.deciding.standing())[-1] == "4"


def test_undo_takes_back_the_last_key_and_asks_again(server: Server, visitor: Visitor) -> None:
    visitor.press("y")
    visitor.press("n")
    assert visitor.contact() == "3"
    visitor.press("u")
    assert "Taken back." in visitor.text
    assert visitor.contact() == "2"
    visitor.press("u")
    assert visitor.contact() == "1"
    assert "1 of 40" in visitor.text
    visitor.press("u")
    assert "There is nothing to take back." in visitor.text
    undone = {each.undoes for each in server.decisions() if each.decision == "undo"}
    assert undone == {each.id for each in server.decisions() if each.decision != "undo"}


def test_those_alike_are_shown_before_they_are_decided(server: Server, visitor: Visitor) -> None:
    visitor.press("y")
    visitor.press("a")
    assert "2 contacts → Boulangerie Élan 1 SARL" in visitor.text
    assert "Léa Roy 2" in visitor.text
    assert "Ida Roy 3" in visitor.text
    assert len(server.decisions()) == 1
    visitor.press("y")
    assert "2 saved." in visitor.text
    assert links(server.decisions())[1:] == [("2", "c1", "force"), ("3", "c1", "force")]
    assert "4 of 40" in visitor.text
    visitor.press("u")
    assert "2 of 40" in visitor.text


def test_persons_alike_are_shown_beside_their_contacts_and_decided_at_once(
    server: Server, visitor: Visitor
) -> None:
    visitor.go("/persons")
    assert "5 alike …" in visitor.text
    visitor.press("a")
    assert "5 contacts, each with a person of its own" in visitor.text
    assert "the first names are equal; the last names are equal." in visitor.text
    for number in range(1, 6):
        assert re.search(rf"\b{number} : \w+ Roy {number}\b", visitor.text)
        assert re.search(rf"Roy {number} \(Kizen\)", visitor.text)
    assert "<mark><bdi>02</bdi></mark>" in visitor.html
    assert server.decisions() == []
    visitor.press("y", reason="as the register says")
    assert "5 saved." in visitor.text
    expected = [(f"{number}", f"p{number}", "force") for number in range(1, 6)]
    assert links(server.decisions()) == expected
    assert {each.reason for each in server.decisions()} == {"as the register says"}
    visitor.press("u")
    assert "1 of 5" in visitor.text
    assert "5 alike …" in visitor.text


def test_a_person_is_never_given_to_two_nor_a_household_decided_at_once(tmp_path: Path) -> None:
    """Each of these would be a wrong link in a family, if somebody looked away for a moment."""
    links_, contacts = "marts.contact_person_links", "staging.stg_kananas__contacts"
    copy = make(
        tmp_path / "warehouse.duckdb", 80, 40,
        f"update {links_} set status = 'review', kizen_contact_id = 'p' || contact_id"
        " where cast(contact_id as int) <= 20",
        # One who is proposed twice, linked to another already, contested, or of a shared address.
        f"update {links_} set kizen_contact_id = 'p1' where contact_id = '2'",
        "update intermediate.int_persons__scored set kizen_contact_id = 'p1'"
        " where contact_id = '2' and kizen_contact_id = 'p2'",
        f"update {links_} set status = 'auto', kizen_contact_id = 'p3' where contact_id = '30'",
        f"update {links_} set margin = 9 where contact_id = '4'",
        "update intermediate.int_persons__scored set is_shared = true where contact_id = '5'",
        # Two of one house, of one number, of one e-mail address.
        f"update {contacts} set street = '1 RUE X' where contact_id in ('6', '7')",
        f"update {contacts} set phone = '+33 1', mobile = '33.1' where contact_id in ('8', '9')",
        f"update {contacts} set email = 'the@roys.example' where contact_id in ('10', '11')",
        # Another level, another wording.
        "update intermediate.int_persons__scored set birth_date_level = 'equal'"
        " where contact_id = '12'",
        f"update {links_} set reasons = 'the first names are equal' where contact_id = '13'",
    )  # fmt: skip
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        given = {
            "id": "t", "kind": "person_link", "decision": "force", "contact_id": "40",
            "kizen_contact_id": "p14",
        }  # fmt: skip
        server.file.append([Decision(**given, decided_at=now())])  # type: ignore[arg-type]
        alike = {f"{number}" for number in range(15, 21)}
        for number in range(1, 21):
            csrf = dict(visitor.buttons[0].values)["csrf"]
            visitor.post("/go", {"csrf": csrf, "tab": "persons", "contact": number})
            assert (" alike …" in visitor.text) == (visitor.contact() in alike)
        visitor.press("a")
        visitor.press("y")
        assert {each.contact_id for each in server.decisions()} == {*alike, "40"}


def test_what_is_alike_no_more_is_not_decided(
    server: Server, visitor: Visitor, published: Path
) -> None:
    visitor.go("/persons")
    visitor.press("a")
    shown = visitor.buttons
    other = "update marts.contact_person_links set kizen_contact_id = 'p9' where contact_id = '2'"
    make(published, 80, 40, other)
    visitor.press("y")
    assert "Not saved: these are not alike any more." in visitor.text
    make(published)
    visitor.go("/persons")
    visitor.press("y")
    # Of one of them somebody has decided: who is told, and nothing is saved.
    visitor.buttons = shown
    visitor.press("y")
    assert "Not saved: Ida decided this at" in visitor.text
    assert len(server.decisions()) == 1


def test_duplicates_alike_are_decided_at_once(tmp_path: Path) -> None:
    pairs = ", ".join(
        f"('kananas_contact', '{left}', '{right}', 'a', 'b', 0.8, 'the names are equal', null)"
        # 18 stands in two pairs; 20 and 22 are of one house.
        for left, right in ((10, 11), (12, 13), (14, 15), (16, 18), (18, 19), (20, 21), (22, 23))
    )
    copy = make(
        tmp_path / "warehouse.duckdb", 80, 40,
        f"insert into marts.possible_duplicates values {pairs}",
        "update staging.stg_kananas__contacts set street = 'x' where contact_id in ('20', '22')",
    )  # fmt: skip
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        filtered(visitor, "duplicates", words="10")
        visitor.press("1")
        assert "3 alike …" in visitor.text
        visitor.press("a")
        assert "3 pairs" in visitor.text
        assert "15 : b" in visitor.text
        visitor.press("n")
        assert "3 saved." in visitor.text
        assert [(each.pair, each.decision) for each in server.decisions()] == [
            (("10", "11"), "forbid"), (("12", "13"), "forbid"), (("14", "15"), "forbid")
        ]  # fmt: skip
        visitor.press("u")
        filtered(visitor, "duplicates", words="14")
        visitor.press("1")
        visitor.press("a")
        visitor.press("y")
        assert [each.decision for each in server.decisions()][-3:] == ["force"] * 3


def test_no_more_are_decided_than_were_shown(tmp_path: Path) -> None:
    same = "update intermediate.int_contacts__match_keys set core_number = 1"
    company = "update marts.link_review_queue set company_id = 'c1', similar_contact_count = 600"
    copy = make(tmp_path / "warehouse.duckdb", 1300, 600, same, company)
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        assert "600 alike …" in visitor.text
        visitor.press("a")
        assert "There are 600 in all; the first are shown, and decided." in visitor.text
        visitor.press("y")
        assert len(server.decisions()) == ALIKE


def test_any_company_can_be_searched_and_chosen(server: Server, visitor: Visitor) -> None:
    visitor.search("ELAN 17")
    assert "1 Boulangerie Élan 17 SARL" in visitor.text
    assert "Élan 18" not in visitor.text
    visitor.press("1")
    assert links(server.decisions()) == [("1", "c17", "force")]
    visitor.search("nothing has this name")
    assert "Nothing was found." in visitor.text


def filtered(visitor: Visitor, tab: str, **values: str) -> str:
    """Show a list by its form."""
    visitor.go(f"/list/{tab}")
    (csrf,) = {value for each in visitor.buttons for name, value in each.values if name == "csrf"}
    return visitor.post("/list", {"csrf": csrf, "tab": tab, **values})


def test_a_list_is_filtered_by_state_evidence_and_words(visitor: Visitor) -> None:
    assert " 40 contacts " in visitor.go("/list/companies")
    assert "1 to 40" not in visitor.text
    for values, count in (
        ({"state": "sure"}, "10 contacts"),
        ({"state": "none"}, "30 contacts"),
        ({"state": "later"}, "0 contacts"),
        ({"state": "all", "how": "name"}, "80 contacts"),
        ({"state": "all", "how": "no such tier"}, "80 contacts"),
        # Both sides are looked at: the company alone has a legal form.
        ({"state": "waiting", "words": " P6@elan3.example  sarl "}, "One contact"),
        ({"state": "sure", "words": "p6@elan3.example"}, "There is nothing like that."),
        ({"state": "waiting", "words": "ÉLAN p40@ SARL"}, "One contact"),
    ):
        assert f" {count} " in filtered(visitor, "companies", **values), values
    assert "Ida Roy 39" not in visitor.text
    assert "Zoé Roy 40" in visitor.text
    assert "1 to 50 of 80" in filtered(visitor, "companies", state="all")
    assert "51 to 80 of 80" in visitor.press("m")
    assert "1 to 50 of 80" in visitor.press("b")
    assert " 5 contacts " in visitor.go("/list/persons")


def test_a_list_is_asked_one_by_one(server: Server, visitor: Visitor) -> None:
    filtered(visitor, "companies", state="waiting", words="brest")
    assert "1 of 14 of your list" in visitor.press("g")
    visitor.press("y")
    assert visitor.contact() == "4"
    visitor.press("l")
    assert "2 of 14 of your list" in visitor.text
    assert visitor.contact() == "7"
    assert "14 contacts" not in visitor.go("/list/companies")
    assert "13 contacts" in visitor.text
    filtered(visitor, "companies", state="decided")
    assert "One contact" in visitor.text
    assert "decided: yes" in visitor.text
    filtered(visitor, "companies", state="later")
    visitor.press("g")
    assert visitor.contact() == "4"
    visitor.press("y")
    assert "All that your list showed has been answered." in visitor.text
    visitor.press("w")
    assert "3 of 40" in visitor.text
    # Who was linked without asking can be looked through as well.
    filtered(visitor, "companies", state="sure")
    assert "1 of 10 of your list" in visitor.press("g")
    visitor.press("n")
    assert "2 of 10 of your list" in visitor.text
    assert {each.contact_id for each in server.decisions()} == {"1", "4", "43"}


def test_a_list_tells_what_was_decided_elsewhere(tmp_path: Path) -> None:
    """By the seed or a table: the published copy knows."""
    changes = [
        f"update marts.contact_company_links set status = '{status}' where contact_id = '{contact}'"
        for status, contact in (("forced", "42"), ("forbidden", "43"), ("a new word", "44"))
    ]
    copy = make(tmp_path / "warehouse.duckdb", 80, 40, *changes)
    with serving(copy, tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        assert " 2 contacts " in filtered(visitor, "companies", state="decided")
        assert "decided: yes" in visitor.text
        assert "decided: no" in visitor.text
        filtered(visitor, "companies", state="all", words="p44@")
        assert "a new word" in visitor.text


def test_a_pair_of_a_list_is_decided(server: Server, visitor: Visitor) -> None:
    assert " 3 pairs " in visitor.go("/list/duplicates")
    assert "Boulangerie Élan 2 SARL" in filtered(visitor, "duplicates", how="company")
    assert " One pair " in visitor.text
    assert "A pair that you chose" in visitor.press("1")
    visitor.press("n")
    assert [(each.kind, each.pair, each.decision) for each in server.decisions()] == [
        ("company_duplicate", ("c1", "c2"), "forbid")
    ]
    visitor.press("u")
    assert "A pair that you chose" in visitor.text
    assert "Boulangerie Élan 1 SARL" in visitor.text
    assert " 0 pairs " in filtered(visitor, "duplicates", words="nobody")


def test_who_has_no_candidate_can_be_said_to_be_nobody(server: Server, visitor: Visitor) -> None:
    visitor.go("/persons")
    visitor.search("roy 61", "contacts")
    visitor.press("1")
    assert "nothing is proposed" in visitor.text
    assert "it is nobody there" in visitor.text
    visitor.press("n")
    assert "Saved." in visitor.text
    assert links(server.decisions()) == [("61", None, "none")]
    visitor.search("roy 61", "contacts")
    visitor.press("1")
    assert (
        "Ida found none. A company or a person that comes later may still be linked."
        in visitor.text
    )
    visitor.go("/decided")
    assert "belongs to none that was shown counts" in visitor.text
    visitor.press("u")
    assert "found none" not in visitor.text


def test_any_contact_can_be_searched_and_its_link_changed(server: Server, visitor: Visitor) -> None:
    visitor.search("léa ROY 46", "contacts")
    visitor.press("1")
    assert "A contact that you chose" in visitor.text
    assert "Contact 46 (Kananas)" in visitor.text
    visitor.press("n")
    assert ("46", None, "later") not in links(server.decisions())
    assert {verdict for *_, verdict in links(server.decisions())} == {"forbid"}
    # One whom the rules link with nobody has candidates, too.
    visitor.search("roy 77", "contacts")
    visitor.press("1")
    assert "nothing is proposed" in visitor.text
    visitor.press("1")
    assert links(server.decisions())[-1][0] == "77"
    visitor.search("roy 77", "contacts")
    visitor.press("1")
    assert "Decided by Ida" in visitor.text


def test_a_note_is_kept_until_the_decision(server: Server, visitor: Visitor) -> None:
    """Enter in the field presses the first button of the form, which keeps the note."""
    keep = next(each for each in visitor.buttons if ("do", "note") in each.values)
    visitor.submit(keep, reason="asked by phone")
    assert visitor.contact() == "1"
    assert server.decisions() == []
    visitor.press("y")
    assert server.decisions()[0].reason == "asked by phone"


def test_persons_and_duplicates_are_decided_alike(server: Server, visitor: Visitor) -> None:
    visitor.go("/persons")
    assert "1 of 5, most likely first" in visitor.text
    visitor.press("y")
    visitor.press("n")
    visitor.go("/duplicates")
    assert "Two contacts of Kananas. Are they one?" in visitor.text
    # Each field once: the whole name says no more than its parts.
    labels = re.findall(r'<th scope="row">([^<]+)', visitor.html)
    assert labels
    assert len(labels) == len(set(labels))
    visitor.press("y")
    visitor.press("l")
    visitor.press("n", reason="two branches")
    assert "Two contacts of Kizen. Are they one?" in visitor.text
    visitor.press("n")
    assert "All 3 questions of the last run have been answered." in visitor.text
    found = [
        (each.kind, each.contact_id or each.left_id, each.decision) for each in server.decisions()
    ]
    assert found == [
        ("person_link", "1", "force"),
        ("person_link", "2", "forbid"),
        ("person_link", "2", "forbid"),
        ("kananas_contact_duplicate", "1", "force"),
        ("kizen_contact_duplicate", "p1", "later"),
        ("company_duplicate", "c1", "forbid"),
        ("kizen_contact_duplicate", "p1", "forbid"),
    ]


def test_another_contact_is_no_candidate_for_a_person(server: Server, visitor: Visitor) -> None:
    """Pairs that may be one person, registered twice, are scored in the same table."""
    visitor.go("/persons")
    visitor.press("n")
    assert [each.kizen_contact_id for each in server.decisions()] == ["p1", "p2"]


def test_the_queue_may_be_asked_in_the_order_of_what_a_decision_teaches(
    server: Server, visitor: Visitor
) -> None:
    visitor.click("most instructive first")
    assert "1 of 40, most instructive first" in visitor.text
    assert visitor.contact() == "40"
    visitor.press("y")
    assert visitor.contact() == "39"
    assert server.visitor().contact() == "1"
    visitor.click("most useful first")
    assert "2 of 40, most useful first" in visitor.text
    assert visitor.contact() == "1"


def test_the_list_tells_a_forbidden_alias_from_a_link_ruled_out(
    server: Server, visitor: Visitor
) -> None:
    alias = Decision(
        id="alias", kind="company_alias", decision="forbid", contact_id="1", company_id="c1",
        decided_at=now(),
    )  # fmt: skip
    server.file.append([alias])
    visitor.go("/decided")
    assert "has a name that does not stand for Boulangerie Élan 1 SARL" in visitor.text
    visitor.click("take back")
    assert [each.undoes for each in server.decisions()] == [None, "alias"]


def test_the_list_says_what_was_decided_and_takes_back(server: Server, visitor: Visitor) -> None:
    visitor.press("y", reason="by phone")
    visitor.press("n")
    visitor.go("/decided")
    assert "Max Roy 1 belongs to Boulangerie Élan 0 SARL by phone counts" in visitor.text
    assert "Léa Roy 2 does not belong to Boulangerie Élan 1 SARL" in visitor.text
    last = [each for each in visitor.buttons if each.action == "/undo"][-1]
    visitor.submit(last)
    assert visitor.path == "/decided"
    assert "Max Roy 1 belongs to Boulangerie Élan 0 SARL by phone taken back" in visitor.text
    assert server.decisions()[-1].undoes == server.decisions()[0].id


def test_of_two_pages_the_slower_one_is_told_and_overwrites_nothing(server: Server) -> None:
    one, other = server.visitor(), server.visitor()
    other.click("Change", author="Eva")
    assert one.contact() == other.contact() == "1"
    one.press("y")
    other.press("2")
    assert "Not saved: Ida decided this at" in other.text
    assert other.contact() == "1"
    assert links(server.decisions()) == [("1", "c0", "force")]
    # Who has seen it may decide otherwise.
    other.press("2")
    assert links(server.decisions())[-1][0] == "1"
    assert server.decisions()[-1].author == "Eva"


def test_a_page_of_another_process_that_writes_first_is_told(
    server: Server, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the file, and writes its line, while this page waits for the file."""
    visitor.press("y")
    is_waiting = threading.Event()

    theirs = {
        "id": "t", "kind": "company_link", "decision": "forbid", "contact_id": "2",
        "company_id": "c1", "author": "Max", "decided_at": now().isoformat(),
    }  # fmt: skip
    locking = SimpleNamespace(**vars(fcntl))

    def flock(descriptor: int, operation: int) -> None:
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            is_waiting.set()
            raise

    locking.flock = flock
    monkeypatch.setattr("console.decisions.file.fcntl", locking)
    with server.file.path.open("ab", buffering=0) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        pressing = threading.Thread(target=visitor.press, args=("y",))
        pressing.start()
        assert is_waiting.wait(10)
        held.write(json.dumps(theirs).encode() + b"\n")
        fcntl.flock(held, fcntl.LOCK_UN)
        pressing.join()
    assert "Not saved: Max decided this at" in visitor.text
    assert [each.author for each in server.decisions()] == ["Ida", "Max"]


def test_decisions_of_others_and_half_a_line_are_seen_at_once(
    server: Server, visitor: Visitor
) -> None:
    with server.file.path.open("ab") as end:
        end.write(b'{"id":"x","ki')
    visitor.go("/companies")
    assert "has lines that cannot be read" in visitor.text
    visitor.press("y")
    visitor.go("/decided")
    assert "line 1: Input data was truncated" in visitor.text
    decision = Decision(
        id="o", kind="company_link", decision="force", contact_id="2", company_id="c1",
        decided_at=now(),
    )  # fmt: skip
    type(server.file)(server.file.path).append([decision])
    visitor.go("/companies")
    assert visitor.contact() == "3"


def test_a_new_copy_is_read_at_once_and_a_missing_one_is_told(
    server: Server, visitor: Visitor, published: Path
) -> None:
    renamed = (
        "update staging.stg_kizen__companies set company_name = 'Nouvel Élan' "
        "where company_id = 'c0'"
    )
    make(published, 80, 40, renamed)
    assert "Nouvel Élan (Kizen)" in visitor.go("/companies")
    visitor.press("y")
    make(published, 80, 0, "drop table marts.possible_duplicates")
    assert "The last run asked nothing." in visitor.go("/companies")
    assert "This is not in the tables" in visitor.go("/duplicates")
    published.unlink()
    assert "No decision is lost." in visitor.go("/companies")
    assert visitor.status == 503
    published.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert "The published copy cannot be read" in visitor.go("/companies")
    make(published)
    assert "2 of 40" in visitor.go("/companies")
    assert len(server.decisions()) == 1


def test_what_a_full_disk_does_not_take_is_told_and_stays(
    server: Server, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.press("y")
    before = server.file.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _no_space)
        visitor.press("y", reason="a long note")
        assert "Not saved." in visitor.text
        assert "The disk of the decisions file is full." in visitor.text
        assert 'role="alert"' in visitor.html
        assert visitor.contact() == "2"
        assert 'value="a long note"' in visitor.html
        visitor.press("u")
        assert "Not saved." in visitor.text
    assert server.file.path.read_bytes() == before
    visitor.go("/companies")
    visitor.press("y")
    assert links(server.decisions()) == [("1", "c0", "force"), ("2", "c1", "force")]
    assert server.decisions()[-1].reason == "a long note"


def test_a_file_that_cannot_be_read_is_told_and_nothing_is_asked(
    server: Server, visitor: Visitor
) -> None:
    """As root reads and writes anything, a folder stands in the place of the file."""
    visitor.press("y")
    path = server.file.path
    path.rename(path.with_name("kept"))
    path.mkdir()
    visitor.press("y", reason="a long note")
    assert "The decisions file cannot be read" in visitor.text
    path.rmdir()
    path.with_name("kept").rename(path)
    assert "2 of 40" in visitor.go("/companies")
    assert 'value="a long note"' in visitor.html


def _no_space(_: int) -> None:
    raise OSError(28, os.strerror(28))


def test_a_run_is_started_once_and_its_end_is_shown(published: Path, tmp_path: Path) -> None:
    waiting = tmp_path / "go on"
    os.mkfifo(waiting)
    program = f"open({str(waiting)!r}).read(); raise SystemExit(3)"
    command = (sys.executable, "-c", program)
    with serving(published, tmp_path / "decisions.jsonl", command=command) as server:
        visitor = server.visitor()
        assert "A run is going on …" in visitor.click("Bring decisions into the tables")
        button = next(each for each in visitor.buttons if each.action == "/undo")
        visitor.post("/run", button.values)
        assert "A run is going on already." in visitor.text
        waiting.write_text("", encoding="utf-8")
        while visitor.web.get(f"{server.base}/run").json()["running"]:
            pass
        assert "failed: its messages are in the terminal" in visitor.go("/companies")
    assert stat.S_IMODE((tmp_path / ".meltano").stat().st_mode) == 0o700
