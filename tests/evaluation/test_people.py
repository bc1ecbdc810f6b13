"""Links of persons are scored against a truth, and they are good enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from evaluation.people import main, score
from evaluation.scores import Score

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_links_of_persons_are_as_good_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.duckdb"
    arguments = ["--seed", "31", "--contacts", "1500", "--no-splink", "--keep", str(kept)]
    floor = "F1=0.975 auto_precision=0.997 auto_recall=0.94 blocking_recall=0.99"
    assert main([*arguments, "--floor", floor]) == 0, capsys.readouterr()
    printed = capsys.readouterr().out
    assert "SEED=31 CONTACTS=1500 HOUSEHOLDS=0.1" in printed
    assert printed.splitlines()[-1].startswith("F1=0.9")
    (of_people,) = re.findall(
        "^Columns of kizen.client_client read as (.*)$", printed, re.MULTILINE
    )
    assert "birth_date: birthday; " in of_people
    assert "Columns of kizen.client_client not read: created, updated\n" in printed
    for line in (
        "equal e-mail ",
        "equal names and birth date ",
        "Per tier",
        "Per confidence",
        "Possible duplicates",
        "Splink is left out (SPLINK=0)",
    ):
        assert line in printed
    with duckdb.connect(kept, read_only=True) as connection:
        # Two of a family have one address: who is linked has the first name, at least a form of it.
        unlike = connection.execute(
            "select count(*) from marts.contact_person_links"
            " where status = 'auto' and (evidence_email like '%several%'"
            " or evidence_phone like '%several%') and evidence_first_name not in ("
            "'the first names are equal', 'first and last name are in each other''s place')"
        ).fetchone()
    assert unlike == (0,)


def test_a_contact_who_is_twice_in_the_crm_is_right_once() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table truth as from (values ('1', 'a'), ('1', 'b'), ('2', 'c'))"
            " as rows (contact_id, kizen_contact_id)"
        )
        pairs = "from (values ('1', 'b'), ('3', 'c')) as rows (contact_id, kizen_contact_id)"
        assert score(connection, pairs) == Score(links=2, right=1, true=2)


def test_nothing_found_of_nothing_is_no_error() -> None:
    nothing = Score(links=0, right=0, true=0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1, 0, 0)


def test_what_cannot_be_evaluated_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("contact_id,company_id\n1,2\n")
    database = tmp_path / "raw.duckdb"
    with duckdb.connect(database) as connection:
        connection.execute("create schema kananas; create schema kizen")
        connection.execute("create table kananas.contacts (id int)")
        connection.execute("create table kizen.companies (id varchar)")
    for arguments, said in (
        (["--db", str(database)], "DB and TRUTH_PEOPLE go together"),
        (["--truth-people", str(truth)], "DB and TRUTH_PEOPLE go together"),
        (
            ["--db", str(database), "--truth-people", str(truth)],
            "has the columns contact_id, company_id; it needs contact_id, kizen_contact_id",
        ),
    ):
        assert main(arguments) == 2
        assert said in capsys.readouterr().err
