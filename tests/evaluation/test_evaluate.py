"""Links are scored against a truth, whoever made the file; and they are good enough."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation.floor import Floor, Result
from evaluation.inputs import InputError
from tests.evaluation.conftest import ROOT, evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evaluation.conftest import Evaluation

pytestmark = pytest.mark.xdist_group("evaluation")

GOOD = Result(0.99, 0.99, 0.99, 0.999, 0.95, 0.995)


def _result(evaluation: Evaluation) -> Result:
    last = evaluation.output.splitlines()[-1]
    pairs = [pair.split("=") for pair in last.split()]
    assert [name for name, _ in pairs] == list(Result._fields), evaluation.errors
    return Result(**{name: float(value) for name, value in pairs})


def test_links_are_as_good_as_they_were(evaluation: Evaluation) -> None:
    assert Floor().below(_result(evaluation)) == []


def test_what_is_below_the_floor_fails_and_is_told(evaluation: Evaluation) -> None:
    assert evaluation.exit_code == 1
    assert re.fullmatch(r"Below the floor: F1 0\.\d{4}, the floor is 1\n", evaluation.errors)


def test_the_file_that_is_evaluated_is_only_read(evaluation: Evaluation) -> None:
    assert evaluation.source_is_unchanged


def test_every_contact_has_one_row_in_the_links_written(evaluation: Evaluation) -> None:
    rows = duckdb.read_csv(str(evaluation.links), all_varchar=True)
    assert rows.columns[:3] == ["contact_id", "company_id", "status"]
    assert rows.aggregate("count(*), count(distinct contact_id)").fetchall() == [(2500, 2500)]


def test_the_last_line_is_what_the_links_written_give(evaluation: Evaluation) -> None:
    with duckdb.connect() as connection:
        links = (
            f"read_csv('{str(evaluation.links).replace(chr(39), chr(39) * 2)}', all_varchar=true)"
        )
        truth = links.replace("links.csv", "truth.csv")
        row = connection.execute(
            f"select count(truth.contact_id) / count(*), count(truth.contact_id) / "
            f"(select count(*) from {truth}) from {links} as links left join {truth} as truth "
            f"using (contact_id, company_id) where links.company_id is not null "
            f"and links.status <> 'forbidden'"
        ).fetchone()
    assert row is not None
    result = _result(evaluation)
    assert (result.precision, result.recall) == pytest.approx(row, abs=0.0001)


def test_tiers_confidence_baselines_and_cost_are_told(evaluation: Evaluation) -> None:
    for heading in (
        "Columns of contacts read as",
        "Candidates hold",
        "Per tier",
        "Per confidence",
        "names as written",
        "names without legal form, or domain",
        "Splink is left out (SPLINK=0)",
        "Links built in",
    ):
        assert heading in evaluation.output


def test_a_link_is_explained_step_by_step(evaluation: Evaluation) -> None:
    with duckdb.connect(evaluation.warehouse, read_only=True) as connection:
        row = connection.execute(
            "select contact_id, score, company_id, company_name"
            " from marts.contact_company_links"
            " inner join intermediate.int_companies__match_keys using (company_id)"
            " where status = 'auto' and runner_up_company_id is not null order by contact_id"
        ).fetchone()
    assert row is not None
    contact_id, score, company_id, name = row
    run = _explain(contact_id, evaluation.warehouse)
    assert run.returncode == 0, run.stderr
    assert f"Link: auto: {company_id}, tier " in run.stdout
    waterfall = run.stdout.split(f"The company: {name} ({company_id})\n")[1].split("\n\n")[0]
    points = [
        int(points) for points in re.findall(r"^  \w+ +\d+ +([+-]\d+) ", waterfall, re.MULTILINE)
    ]
    assert sum(points) == score
    assert re.search(rf"^  score +{score}$", waterfall, re.MULTILINE)
    assert "\nCandidate 2: " in run.stdout


def test_a_contact_without_a_company_is_explained(evaluation: Evaluation) -> None:
    with duckdb.connect(evaluation.warehouse, read_only=True) as connection:
        row = connection.execute(
            "select contact_id from marts.contact_company_links where status = 'none'"
        ).fetchone()
    assert row is not None
    run = _explain(row[0], evaluation.warehouse)
    assert run.returncode == 0, run.stderr
    assert "Link: none\n" in run.stdout


def test_an_unknown_contact_is_wrong_usage(evaluation: Evaluation) -> None:
    run = _explain("nobody", evaluation.warehouse)
    assert run.returncode == 2
    assert run.stderr == f"CONTACT=nobody: DB={evaluation.warehouse} has no such contact\n"


def _explain(contact: str, warehouse: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluation.explain", "--db", str(warehouse), "--", contact],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("schema", "truth", "arguments", "error"),
    [
        ("create table other (id int)", "contact_id,company_id\n1,2\n", (),
         "has no kananas.contacts and no kizen.companies; it has main.other"),
        (None, "contact_id,company_id\n1,2\n", (), "there is no such file"),
        ("", "contact,company\n1,2\n", (), "has the columns contact, company; it needs"),
        ("", "contact_id,company_id\n", (), "has no row"),
        ("", None, (), "cannot be read"),
        ("", "contact_id,company_id\n1,2\n", ("--vars", "[]"), "VARS must be a mapping"),
        ("", "contact_id,company_id\n1,2\n", ("--vars", "{contact_columns: {colour: [c]}}"),
         "VARS: contact_columns maps meanings to lists of columns; meanings are contact_id"),
        ("", "contact_id,company_id\n1,2\n", ("--floor", "F1=98"), "F1=98 is not NAME=SHARE"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_one_line(
    tmp_path: Path, schema: str | None, truth: str | None, arguments: tuple[str, ...], error: str
) -> None:
    database, answers = tmp_path / "some.duckdb", tmp_path / "truth.csv"
    if schema is not None:
        with duckdb.connect(database) as connection:
            connection.execute(
                schema
                or "create schema kananas; create schema kizen; create table kananas.contacts"
                " (id int); create table kizen.companies (id varchar)"
            )
    if truth is not None:
        answers.write_text(truth, encoding="utf-8")
    run = evaluate("--db", str(database), "--truth", str(answers), "--no-splink", *arguments)
    assert run.returncode == 2
    assert error in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_floor_names_what_is_below_it() -> None:
    assert Floor.parsed("F1=0.5, recall=0.995").below(GOOD) == ["recall 0.9900, the floor is 0.995"]
    assert Floor.parsed("").below(GOOD) == []
    with pytest.raises(InputError, match="speed=1 is not NAME=SHARE; names are F1, precision"):
        Floor.parsed("speed=1")
