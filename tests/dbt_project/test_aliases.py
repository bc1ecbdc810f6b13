"""What a decision teaches about a name, and what is left of it once the decision is taken back."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from tests.dbt_project.project import RULE_VERSION, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt_project.project import Project

COMPANIES = """
create table kizen.companies as select * from (values
    ('fest', 'Fédération des spectacles de Trouville'), ('bois', 'Bois & Fils Menuiserie'),
    ('elan', 'Boulangerie Élan'), ('gare', 'Menuiserie de la Gare')
) as rows (id, name)
"""
CONTACTS = """
create table kananas.contacts as select * from (values
    (1, 'Zoé', 'Les Planches Dorées', null),
    (2, 'Léa', 'les planches dorees', null),
    (3, 'Jan', 'Les Planches Dorées SARL', 'jan@gmail.com'),
    (4, 'Max', 'Bois et Fils Menuiserie', null),
    (5, 'Eva', 'Planches', null),
    (6, 'Tom', 'Planches', null),
    (7, 'Kim', 'Menuiserie de la Garre', null),
    (8, 'Ida', 'Menuiserie de la Garre', null)
) as rows (id, first_name, organisation, email)
"""
LINKS = "select * from marts.contact_company_links order by contact_id"
ALIASES = """
select contact_name, company_id, decided_contacts, affected_contact_count, effect
from marts.learned_aliases order by contact_name, company_id
"""
RUN = ("run", "--select")
ALL = ("+contact_company_links", "+learned_aliases")
# What a decision or a weight can change.
CHANGED = (
    "int_decisions__file+,+contact_company_links", "int_decisions__file+,+learned_aliases",
    "int_links__own_weights+,+contact_company_links",
)  # fmt: skip
FORCED = {
    "id": "a", "kind": "company_link", "decision": "force", "contact_id": "1", "company_id": "fest"
}  # fmt: skip


class Account:
    """A warehouse that is built anew from decisions and weights."""

    def __init__(self, project: Project, database: Path, folder: Path) -> None:
        self.project = project
        self.database = database
        self.decisions = folder / "decisions.jsonl"
        self.weights = folder / "link_levels.csv"

    def decide(self, *given: dict[str, Any]) -> None:
        moment = datetime(2026, 2, 1, 12, tzinfo=timezone.utc)
        DecisionsFile(self.decisions).append(
            Decision(**{"author": "Eva", "decided_at": moment, **each}) for each in given
        )

    def links(self) -> list[tuple[Any, ...]]:
        run = self.project.run(
            self.database,
            *RUN,
            *CHANGED,
            DUCKDB_DECISIONS_PATH=str(self.decisions),
            DUCKDB_LINK_LEVELS_PATH=str(self.weights),
        )
        assert run.exit_code == 0, run.output
        return read(self.database, LINKS)

    def companies(self) -> dict[str, tuple[str, str | None]]:
        return {contact: (status, company) for contact, company, status, *_ in self.links()}

    def aliases(self) -> list[tuple[Any, ...]]:
        return read(self.database, ALIASES)


@pytest.fixture(scope="module")
def built(project: Project, seeds: Path, database_path: Path) -> Path:
    """A file of the account, in which nobody has decided anything."""
    shutil.copyfile(seeds, database_path)
    write(database_path, "create schema kananas", "create schema kizen", COMPANIES, CONTACTS)
    run = project.run(database_path, *RUN, *ALL)
    assert run.exit_code == 0, run.output
    return database_path.rename(database_path.with_name("without decisions.duckdb"))


@pytest.fixture
def account(project: Project, built: Path, database: Path, tmp_path: Path) -> Account:
    shutil.copyfile(built, database)
    return Account(project, database, tmp_path)


def test_a_decision_teaches_a_name_and_goes_with_all_it_taught(account: Account) -> None:
    before = read(account.database, LINKS)
    account.decide(FORCED)
    taught = account.companies()
    assert account.aliases() == [
        ("Les Planches Dorées", "fest", "1", 2, "in force"),
    ]
    assert taught["1"] == ("forced", "fest")
    assert taught["2"] == ("auto", "fest")
    # What speaks against it counts as it does beside any name: a SARL is no federation.
    assert taught["3"] == ("review", "fest")
    assert taught["5"] == ("none", None)
    assert [link[-2:] for link in read(account.database, LINKS) if link[0] == "2"] == [
        (
            "a person decided that the name is the company's; no other company agrees as well",
            RULE_VERSION,
        )
    ]
    account.decide({"id": "b", "kind": "company_link", "decision": "undo", "undoes": "a"})
    assert account.links() == before
    assert account.aliases() == []


def test_an_alias_is_forbidden_alone(account: Account) -> None:
    forbidden = {"kind": "company_alias", "decision": "forbid", "contact_id": "3"}
    account.decide(FORCED, {"id": "b", "company_id": "fest", **forbidden})
    companies = account.companies()
    assert companies["1"] == ("forced", "fest")
    assert companies["2"] == companies["3"] == ("none", None)
    assert account.aliases() == [
        ("Les Planches Dorées", "fest", "1", 2, "a person forbade the alias")
    ]


def test_decisions_that_contradict_each_other_teach_nothing(account: Account) -> None:
    account.decide(FORCED, {**FORCED, "id": "b", "contact_id": "2", "company_id": "elan"})
    assert account.companies()["3"] == ("none", None)
    ambiguous = "ambiguous: people gave the name to several companies"
    assert account.aliases() == [
        ("Les Planches Dorées", "elan", "2", 1, ambiguous),
        ("Les Planches Dorées", "fest", "1", 1, ambiguous),
    ]


def test_one_word_is_no_alias_and_a_name_may_be_taken_from_a_company(account: Account) -> None:
    """A slip of a company's name is another company's, where a person says so."""
    account.decide(
        {**FORCED, "contact_id": "5"},
        {**FORCED, "id": "b", "contact_id": "7", "company_id": "elan"},
    )
    companies = account.companies()
    assert companies["6"] == ("none", None)
    assert companies["8"] == ("auto", "elan")
    assert account.aliases() == [
        ("Menuiserie de la Garre", "elan", "7", 1, "in force"),
        ("Planches", "fest", "5", 1, "the name is one word, and was decided once"),
    ]


def test_own_weights_are_used_and_named_and_go_with_their_file(account: Account) -> None:
    before = read(account.database, LINKS)
    account.weights.write_text("feature,level,weight\npair,any,-90\n", encoding="utf-8")
    own = account.links()
    assert {link[2] for link in own} == {"none"}
    (version,) = {link[-1] for link in own}
    assert version.startswith(f"{RULE_VERSION}, own weights ")
    assert account.links() == own
    account.weights.unlink()
    assert account.links() == before


def test_own_weights_that_are_none_fail_the_build(account: Account) -> None:
    account.weights.write_text(
        "feature,level,weight\nname,exact,many\ncity,gone,1\ncity,same,1.5\ncity,near,2\n",
        encoding="utf-8",
    )
    run = account.project.run(
        account.database,
        *("build", "--select", "link_levels", "int_links__own_weights"),
        *("assert_own_weights_are_of_levels", "--exclude-resource-type", "unit_test"),
        DUCKDB_LINK_LEVELS_PATH=str(account.weights),
    )
    assert run.exit_code == 1
    assert "FAIL 3 assert_own_weights_are_of_levels" in run.output
