"""What people decide, what waits for them, and what each build changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from console.review.gate import Sessions
from tests.console.review.serving import serving
from tests.dbt_project.project import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project, Run

COMPANIES = """
create table kizen.companies as select * from (values
    ('elan', 'Boulangerie Élan SARL', 'info@elan.example'),
    ('amicale 1', 'Amicale laïque de Brest', null),
    ('amicale 2', 'Amicale laïque de Brest', null),
    ('bois', 'Bois & Fils Menuiserie', 'info@bois.example')
) as rows (id, name, email)
"""
CONTACTS = """
create table kananas.contacts as select * from (values
    (1, 'Zoé', 'Roy', 'Boulangerie Élan', 'zoe@elan.example'),
    (2, 'Léa', 'Roy', 'Amicale laïque de Brest', null),
    (3, 'Jan', 'Roy', 'Amicale laïque de Brest', null),
    (4, 'Max', 'Roy', 'Bois & Fils Menuiserie', 'max@bois.example'),
    (5, 'Eva', 'Roy', null, null),
    (6, 'Tom', 'Roy', 'Boulangerie Élan', 'tom@elan.example')
) as rows (id, first_name, last_name, organisation, email)
"""
NO_DECISIONS = """
create table decisions.links (
    contact_id bigint, company_id varchar, decision varchar, author varchar, reason varchar,
    decided_at timestamp
)
"""
DECISIONS = """
insert into decisions.links values
    (2, 'amicale 2', 'force', 'Ida', 'she chairs it', '2026-01-01'),
    (4, 'bois', 'forbid', 'Ida', 'left in May', '2026-01-01'),
    (5, 'elan', 'force', 'Ida', null, '2026-01-01'),
    (99, 'elan', 'force', 'Ida', null, '2026-01-01'),
    (6, 'gone', 'force', 'Ida', null, '2026-01-01'),
    (3, 'amicale 1', 'force', 'Ida', null, '2026-01-01')
"""

FORBIDDEN = {"id": "g", "contact_id": "2", "company_id": "amicale 2", "decision": "forbid"}
VARIABLES = json.dumps({"link_overrides_table": "decisions.links"})


@dataclass(frozen=True)
class Account:
    """The second build, and what the marts hold after the first and after the second."""

    page: list[str]
    second: Run
    queue: list[tuple[Any, ...]]
    changes_at_first: list[tuple[Any, ...]]
    changes: list[tuple[Any, ...]]
    links: list[tuple[Any, ...]]
    report: list[tuple[Any, ...]]


CHANGES = """
select contact_id, change, previous_company_id, company_id, status
from marts.link_changes where in_last_build order by contact_id
"""


def decided(file: DecisionsFile, *given: dict[str, Any]) -> None:
    """Append decisions on companies, by default links that Eva forces in February."""
    usual: dict[str, Any] = {
        "kind": "company_link",
        "decision": "force",
        "author": "Eva",
        "decided_at": datetime(2026, 2, 1, 12, tzinfo=timezone.utc),
    }
    file.append(Decision(**{**usual, **each}) for each in given)


@pytest.fixture(scope="module")
def decisions_file(tmp_path_factory: pytest.TempPathFactory) -> DecisionsFile:
    """A file whose path would be a pattern and end a text."""
    return DecisionsFile(tmp_path_factory.mktemp("it's [a] *?") / "decisions.jsonl")


def decided_on_the_page(database: Path, file: DecisionsFile) -> list[str]:
    """Put one contact off, and link the other one with the next best company; return the texts."""
    with serving(database, file.path, sessions=Sessions(3600, "Eva")) as server:
        visitor = server.visitor()
        first = visitor.text
        second = visitor.press("l")
        third = visitor.press("1", reason="« l'été »")
        return [first, second, third]


@pytest.fixture(scope="module")
def account(project: Project, database_path: Path, decisions_file: DecisionsFile) -> Account:
    database_path.unlink(missing_ok=True)
    schemas = ("kananas", "kizen", "decisions")
    write(database_path, *(f"create schema {schema}" for schema in schemas))
    write(database_path, COMPANIES, CONTACTS, NO_DECISIONS)
    build = ("build", "--vars", VARIABLES, "--exclude-resource-type", "unit_test")
    environment = {"DUCKDB_DECISIONS_PATH": str(decisions_file.path)}
    first = project.run(database_path, *build, "test", **environment)
    assert first.exit_code == 0, first.output
    queue = read(
        database_path,
        "select contact_id, similar_contact_count, company_id, runner_up_company_id "
        "from marts.link_review_queue order by review_rank",
    )
    changes_at_first = read(database_path, CHANGES)
    page = decided_on_the_page(database_path, decisions_file)
    write(
        database_path,
        DECISIONS,
        "insert into kananas.contacts values (7, 'Kim', 'Roy', 'Boulangerie Élan', null)",
        "delete from kananas.contacts where id = 1",
    )
    decided(
        decisions_file,
        {**FORBIDDEN, "decided_at": datetime(2025, 1, 1, tzinfo=timezone.utc)},
        {"id": "h", "contact_id": "1", "company_id": "bois"},
        {"id": "i", "contact_id": "4", "decision": "later"},
        {"id": "j", "decision": "undo", "undoes": "h"},
        # Of who was there: the link that the next build finds stands, and no line of the report.
        {"id": "m", "contact_id": "7", "decision": "none"},
    )
    with decisions_file.path.open("ab") as end:
        end.write(b'{"id":"k","kind":"company_link","contact_id":"6","decision":"for')
    second = project.run(database_path, *build, **environment)
    assert second.exit_code == 0, second.output
    return Account(
        page,
        second,
        queue,
        changes_at_first,
        read(database_path, CHANGES),
        read(
            database_path,
            "select contact_id, status, company_id, reasons from marts.contact_company_links "
            "where status in ('forced', 'forbidden') order by contact_id",
        ),
        read(
            database_path,
            "select contact_id, company_id, kept_in, effect from marts.link_override_report "
            "order by cast(contact_id as int), kept_in",
        ),
    )


def test_equal_companies_wait_for_a_person(account: Account) -> None:
    assert account.queue == [
        ("2", 2, "amicale 1", "amicale 2"),
        ("3", 2, "amicale 1", "amicale 2"),
    ]


def test_the_page_asks_what_the_queue_holds(account: Account) -> None:
    first, second, third = account.page
    assert "1 of 2, most useful first" in first
    assert "Contact 2 (Kananas): Léa Roy" in first
    assert "Amicale laïque de Brest (Kizen)" in first
    assert "the names are equal" in first
    assert "2 alike …" in first
    assert "Contact 3 (Kananas): Jan Roy" in second
    assert "2 of 2" in third
    assert "Put off by Eva" in third


def test_a_decision_wins(account: Account) -> None:
    assert account.links == [
        ("2", "forced", "amicale 2", "decided by Ida: she chairs it"),
        ("3", "forced", "amicale 2", "decided by Eva: « l'été »"),
        ("4", "forbidden", None, "ruled out by Ida: left in May"),
        ("5", "forced", "elan", "decided by Ida"),
    ]


def test_each_decision_has_its_effect_and_an_orphan_is_a_warning(account: Account) -> None:
    assert account.report == [
        ("1", "bois", "file", "taken back"),
        ("2", "amicale 2", "file", "superseded"),
        ("2", "amicale 2", "table", "in force"),
        ("3", "amicale 2", "file", "in force"),
        ("3", "amicale 1", "table", "superseded"),
        ("4", "bois", "table", "in force"),
        ("5", "elan", "table", "in force"),
        ("6", "gone", "table", "no such company"),
        ("99", "elan", "table", "no such contact"),
    ]
    assert "WARN 2 link_overrides_are_not_orphaned" in account.second.output


def test_a_line_that_a_kill_has_cut_off_is_a_warning(account: Account) -> None:
    assert "WARN 1 lines_of_decisions_are_whole" in account.second.output


def test_every_contact_appears_in_the_first_build(account: Account) -> None:
    appeared = [(contact, change) for contact, change, *_ in account.changes_at_first]
    assert appeared == [(str(contact), "contact appeared") for contact in range(1, 7)]


def test_a_build_tells_just_what_it_changed(account: Account) -> None:
    assert account.changes == [
        ("1", "contact gone", "elan", None, None),
        ("2", "other company", "amicale 1", "amicale 2", "forced"),
        ("3", "other company", "amicale 1", "amicale 2", "forced"),
        ("4", "company lost", "bois", None, "forbidden"),
        ("5", "company found", None, "elan", "forced"),
        ("7", "contact appeared", None, "elan", "auto"),
    ]


@pytest.mark.usefixtures("account")
def test_a_certain_mistake_is_an_error_that_names_the_line(
    project: Project, database_path: Path, decisions_file: DecisionsFile
) -> None:
    """A word that is no decision, and names where ids are due, in the file and in the table."""
    decided(decisions_file, {"id": "l", "contact_id": "6", "company_id": "bois & FILS menuiserie"})
    write(
        database_path, "insert into decisions.links values (6, 'bois', 'frce', 'Ida', null, null)"
    )
    run = project.run(
        database_path,
        *("build", "--vars", VARIABLES, "--exclude-resource-type", "unit_test", "--select"),
        "int_decisions__file", "int_link_overrides__checked", "link_override_report",
        DUCKDB_DECISIONS_PATH=str(decisions_file.path),
    )  # fmt: skip
    assert run.exit_code == 1
    assert (
        "ERROR in the file: contact_id 6, company_id bois & FILS menuiserie"
        ", decision force, author Eva: a name is no id of a company" in run.output
    )
    assert (
        "ERROR in the table: contact_id 6, company_id bois, decision frce, author Ida"
        ": unknown decision" in run.output
    )
    assert "FAIL 2 assert_link_overrides_are_not_mistaken" in run.output
