"""Accounts that spell, type or lack what the usual one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dbt_project.project import WITH_ARTIFACTS, Project, read, write

if TYPE_CHECKING:
    from pathlib import Path

# The unit tests bring their own rows: once in the suite is enough.
BUILD = ("build", "--exclude-resource-type", "unit_test")
MODELS = ("run", "--select", "+companies")


def test_french_columns_of_text_without_metadata(project: Project, seeded: Path) -> None:
    write(
        seeded,
        "create schema kananas",
        "create schema kizen",
        """
        create table kananas.contacts as select * from (values
            ('A-1', 'Zoé', 'Müller', 'Élan S.A.R.L.', 'ZOE@ELAN.FR', '1 234,50', '31/12/1980',
             '01000', '{"Numéro de TVA": "FR1"}'),
            ('007', '', ' ', ' ', 'x@gmail.com', 'rien', '0000-00-00', '', 'not json')
        ) as rows ("Identifiant", "Prénom", "NOM", "Société", "Courriel", "Solde",
            "Date de naissance", "Code postal", "free_fields")
        """,
        "create table kizen.companies as select 'c' as id, 'Elan' as name, '' as email",
    )
    run = project.run(seeded, *MODELS)
    assert run.exit_code == 0, run.output
    assert read(
        seeded,
        """
        select contact_id, first_name, last_name, organisation, email, balance,
            cast(birth_date as varchar), postal_code, vat_number, company_id, link_tier
        from marts.contacts order by contact_id
        """,
    ) == [
        ("007", None, None, None, "x@gmail.com", None, None, None, None, None, None),
        (
            *("A-1", "Zoé", "Müller", "Élan S.A.R.L.", "ZOE@ELAN.FR", 1234.5),
            # The company lists no domain, but the contact's spells its name.
            *("1980-12-31", "01000", "FR1", "c", "name and domain"),
        ),
    ]


def test_an_account_with_nothing_but_ids(project: Project, seeded: Path) -> None:
    write(
        seeded,
        "create schema kananas",
        "create schema kizen",
        "create table kananas.contacts as select 1 as id union all select 2",
        "create table kizen.companies (id varchar)",
    )
    run = project.run(seeded, *MODELS)
    assert run.exit_code == 0, run.output
    assert read(
        seeded,
        """
        select contact_id, organisation, email, birth_date, balance, tags, created_at, link_status
        from marts.contacts order by contact_id
        """,
    ) == [(key, None, None, None, None, None, None, "none") for key in ("1", "2")]
    assert read(seeded, "select count(*) from marts.companies") == [(0,)]


def test_tables_that_were_never_loaded_give_empty_marts(
    project: Project, database: Path, tmp_path: Path
) -> None:
    target, logs = tmp_path / "its target", tmp_path / "its logs"
    paths = {"DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(logs)}
    run = project.run(database, *BUILD, **paths, **WITH_ARTIFACTS)
    assert run.exit_code == 0, run.output
    for mart in ("contacts", "companies", "contact_company_links"):
        assert read(database, f"select count(*) from marts.{mart}") == [(0,)]
    assert (target / "run_results.json").is_file()
    assert (logs / "dbt.log").is_file()


def test_contacts_without_a_key_of_their_own_stop_the_build(
    project: Project, database: Path
) -> None:
    write(
        database,
        "create schema kananas",
        "create table kananas.contacts as select unnest([1, 1, null]) as id",
    )
    run = project.run(database, *BUILD, "--select", "stg_kananas__contacts")
    assert run.exit_code == 1
    assert "Failure in test integrity_stg_kananas__contacts_contact_id" in run.output
    assert "Failure in stg_kananas__contacts: contact_id is not unique (once)" in run.output
    assert "Failure in stg_kananas__contacts: contact_id is null (once)" in run.output


def test_each_broken_rule_is_named_without_a_value(project: Project, database: Path) -> None:
    write(
        database,
        "create schema marts",
        """
        create table marts.contact_company_links as select * from (values
            ('1', 'auto', false, 'a', '1'), ('2', 'secret', false, null, '1'),
            ('2', 'secret', false, 'a', null), ('3', 'secret', false, 'a', '1'),
            ('3', null, null, 'a', '1'), (null, 'none', false, 'a', '1'),
            (null, 'none', true, 'a', '1')
        ) as links (contact_id, status, conflict, reasons, rule_version)
        """,
    )
    run = project.run(database, "test", "--select", "contact_company_links,test_name:integrity")
    assert run.exit_code == 1
    broken = [line.split("links: ")[1] for line in run.output.splitlines() if "links: " in line]
    assert broken == [
        "contact_id is not unique (2 times)",
        "contact_id is null (2 times)",
        "reasons is null (once)",
        "rule_version is null (once)",
        "status has another value (3 times)",
        "status is null (once)",
    ]
    assert "secret" not in run.output


def test_dbt_finds_all_nodes_after_a_data_test_was_upgraded(
    tmp_path: Path, database: Path, parsed: Path, dbt_program: Path
) -> None:
    project = Project.copied_to(tmp_path, parsed, dbt_program)
    before = project.run(database, "ls", "--resource-type", "snapshot")
    macro = tmp_path / "dbt_project" / "macros" / "integrity.sql"
    macro.write_text(macro.read_text(encoding="utf-8") + "{# newer #}", encoding="utf-8")
    after = project.run(database, "ls", "--resource-type", "snapshot")
    assert after.exit_code == before.exit_code == 0, after.output
    assert "contact_company_link_history" in before.output
    assert after.output.split()[-2:] == before.output.split()[-2:]
