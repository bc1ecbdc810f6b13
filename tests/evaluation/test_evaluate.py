"""Links are scored against a truth, whoever made the file; and they are good enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb
import pytest

from evaluation import explain, report
from evaluation.__main__ import main as evaluate
from evaluation.building import PROJECT
from evaluation.floor import Floor, Result
from evaluation.inputs import (
    COMPANY_COLUMNS,
    InputError,
    copy_raw_tables,
    generate,
    load_truth,
    unread_company_columns,
)
from evaluation.scores import candidates

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evaluation.conftest import Evaluation

RAW = """
create schema kananas;
create schema kizen;
create table kananas.contacts (id int);
create table kizen.companies (id varchar);
"""
TRUTH = "contact_id,company_id\n1,2\n"
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
    assert rows.aggregate("count(*), count(distinct contact_id)").fetchall() == [(2000, 2000)]


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
        "letter n-grams of names, from 0.54  ",
        "given the truth  ",
        "… dbt builds the links",
        "… n-grams: ",
        "EXAMPLES=1 prints",
        "of them, at the 99th percentile ",
        "Splink is left out (SPLINK=0)",
        "Links built in",
    ):
        assert heading in evaluation.output


def test_candidates_are_counted_per_contact_and_some_have_none() -> None:
    pairs = (
        "select * from (values ('1', 'a'), ('1', 'a'), ('1', 'b'), ('2', 'a'))"
        " as pairs (contact_id, company_id)"
    )
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute(
            "create table staging.stg_kananas__contacts as"
            " select range::varchar as contact_id from range(1, 201)"
        )
        assert candidates(connection, pairs) == (3 / 200, 0)
        connection.execute("delete from staging.stg_kananas__contacts where contact_id::int > 4")
        assert candidates(connection, pairs) == (3 / 4, 2)
        connection.execute("delete from staging.stg_kananas__contacts")
        assert candidates(connection, pairs) == (0, 0)


def test_every_miss_and_every_wrong_link_is_of_a_kind(evaluation: Evaluation) -> None:
    right = re.search(r"auto and review +([\d,]+) +([\d,]+)", evaluation.output)
    true = re.search(r"([\d,]+) true links", evaluation.output)
    kinds = evaluation.output.split("True links not found")[1].split("The same data")[0]
    totals = re.findall(r"^  all +([\d,]+)", kinds, re.MULTILINE)
    assert right is not None
    assert true is not None
    links, found, known = (int(text.replace(",", "")) for text in (*right.groups(), true[1]))
    assert [int(total.replace(",", "")) for total in totals] == [known - found, links - found]


def test_a_link_is_explained_step_by_step(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(evaluation.warehouse, read_only=True) as connection:
        row = connection.execute(
            "select contact_id, score, company_id, company_name"
            " from marts.contact_company_links"
            " inner join intermediate.int_companies__match_keys using (company_id)"
            " where status = 'auto' and runner_up_company_id is not null order by contact_id"
        ).fetchone()
    assert row is not None
    contact_id, score, company_id, name = row
    assert explain.main(["--db", str(evaluation.warehouse), "--", contact_id]) == 0
    told = capsys.readouterr().out
    assert f"Link: auto: {company_id}, tier " in told
    waterfall = told.split(f"The company: {name} ({company_id})\n")[1].split("\n\n")[0]
    points = [
        int(points)
        for points in re.findall(r"^  [\w ]* ([+-]\d+) +-?\d+(?: |$)", waterfall, re.MULTILINE)
    ]
    assert sum(points) == score
    assert re.search(rf"^  score +{score}$", waterfall, re.MULTILINE)
    assert "\nCandidate 2: " in told


def test_a_contact_without_a_company_is_explained(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(evaluation.warehouse, read_only=True) as connection:
        row = connection.execute(
            "select contact_id from marts.contact_company_links where status = 'none'"
        ).fetchone()
    assert row is not None
    assert explain.main(["--db", str(evaluation.warehouse), "--", row[0]]) == 0
    assert "Link: none\n" in capsys.readouterr().out


def test_an_unknown_contact_is_wrong_usage(
    evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain.main(["--db", str(evaluation.warehouse), "--", "nobody"]) == 2
    assert (
        capsys.readouterr().err
        == f"CONTACT=nobody: DB={evaluation.warehouse} has no such contact\n"
    )


@pytest.mark.parametrize(
    ("files", "arguments", "error"),
    [
        (("create table other (id int)", TRUTH), (),
         "has no kananas.contacts and no kizen.companies; it has main.other"),
        ((None, TRUTH), (), "there is no such file"),
        ((RAW, "contact,company\n1,2\n"), (), "has the columns contact, company; it needs"),
        ((RAW, "contact_id,company_id\n"), (), "has no row"),
        ((RAW, None), (), "cannot be read"),
        ((RAW, TRUTH), ("--vars", "[]"), "VARS must be a mapping"),
        ((RAW, TRUTH), ("--vars", "{contact_columns: {colour: [c]}}"),
         "VARS: contact_columns has no meaning colour"),
        ((RAW, TRUTH), ("--floor", "F1=98"), "F1=98 is not NAME=SHARE"),
        ((RAW, TRUTH), ("--keep", "{db}"), "some.duckdb is the file of DB, which is only read"),
        ((RAW, TRUTH), ("--links", "{truth}"), "truth.csv is the file of TRUTH, which is only"),
        ((RAW, TRUTH), ("--keep", "{folder}"), "cannot be written: it is a folder"),
        ((RAW, TRUTH), ("--links", "{folder}/no/x.csv"), "cannot be written: there is no folder"),
        ((RAW, TRUTH), ("--truth", "{folder}"), "cannot be read: there is no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: tuple[str | None, str | None],
    arguments: tuple[str, ...],
    error: str,
) -> None:
    database, answers = tmp_path / "some.duckdb", tmp_path / "truth.csv"
    schema, truth = files
    if schema:
        with duckdb.connect(database) as connection:
            connection.execute(schema)
    if truth:
        answers.write_text(truth, encoding="utf-8")
    places = {"{db}": str(database), "{truth}": str(answers), "{folder}": str(tmp_path)}
    for name, place in places.items():
        arguments = tuple(argument.replace(name, place) for argument in arguments)
    given = ("--db", str(database), "--truth", str(answers), "--no-splink", *arguments)
    assert evaluate(given) == 2
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1


MANY = "".join(f"{number},c{number}\n" for number in range(30_000))


@pytest.mark.parametrize(
    "text",
    [
        "company_id,note,contact_id\nb,?,a\n",
        "contact_id;company_id\na;b",
        "\ufeffContact_ID,COMPANY_ID\r\na,b\r\n\r\na,b\r\n",
    ],
)
def test_a_truth_as_programs_write_it_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wahr heit.csv"
    path.write_bytes(text.encode())
    with duckdb.connect() as connection:
        load_truth(connection, path)
        assert connection.execute("from truth").fetchall() == [("a", "b")]


def test_the_last_line_of_a_truth_may_be_the_first_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f'contact_id,company_id\n{MANY}"a,b",c\n', encoding="utf-8")
    with duckdb.connect() as connection:
        load_truth(connection, path)
        query = "select count(*), count(*) filter (contact_id = 'a,b') from truth"
        assert connection.execute(query).fetchone() == (30_001, 1)


@pytest.mark.parametrize("name", ["x[1].csv", "x*.csv", "x?.csv", "contact_id=5/x1.csv"])
def test_the_name_of_a_truth_is_a_name(tmp_path: Path, name: str) -> None:
    """DuckDB takes one that it does not find for a pattern, and folders for columns."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    (tmp_path / "x1.csv").write_text("contact_id,company_id\nother,other\n", encoding="utf-8")
    with duckdb.connect() as connection:
        with pytest.raises(InputError, match="cannot be read: there is no such file"):
            load_truth(connection, path)
        path.write_text("contact_id,company_id\na,b\n", encoding="utf-8")
        load_truth(connection, path)
        assert connection.execute("from truth").fetchall() == [("a", "b")]


@pytest.mark.parametrize("name", ["w[1].duckdb", "w*.duckdb", "id=5/w.duckdb"])
def test_the_name_of_a_database_is_a_name(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.parent.mkdir(exist_ok=True)
    with pytest.raises(InputError, match="there is no such file"):
        copy_raw_tables(source, tmp_path / "copy.duckdb")
    with duckdb.connect(source) as connection:
        connection.execute(RAW + "insert into kananas.contacts values (1)")
    copy_raw_tables(source, tmp_path / "copy.duckdb")
    with duckdb.connect(tmp_path / "copy.duckdb") as connection:
        assert connection.execute("from kananas.contacts").fetchall() == [(1,)]


def test_folders_are_no_columns_of_generated_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "id=5"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    generate(folder / "w.duckdb", folder / "truth.csv", contacts=20, companies=5, seed=1)
    with duckdb.connect(folder / "w.duckdb") as connection:
        ids = "select count(distinct id) from kizen.companies"
        assert connection.execute(ids).fetchone() == (5,)


@pytest.mark.parametrize("before", ["", MANY])
@pytest.mark.parametrize("line", [b"\xe9,c\n", b"a\xff,c\n"])
def test_a_truth_that_is_no_utf_8_is_told_with_the_line(
    tmp_path: Path, before: str, line: bytes
) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(b"contact_id,company_id\n" + before.encode() + line)
    number = 2 + before.count("\n")
    with (
        duckdb.connect() as connection,
        pytest.raises(InputError, match=rf"cannot be read: .*Line: {number}; Invalid unicode"),
    ):
        load_truth(connection, path)


@pytest.mark.parametrize("stem", ["stranger", "warehouse", "kananas", "a.b", "ä b"])
def test_tables_may_be_views_however_the_file_is_called(tmp_path: Path, stem: str) -> None:
    source, copy = tmp_path / f"{stem}.duckdb", tmp_path / "to" / "warehouse.duckdb"
    copy.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"""attach '{source}' as "{stem}"; use "{stem}".main""")
        for schema in ("raw", "kananas", "Kizen"):
            connection.execute(f'create schema "{stem}".{schema}')
        connection.execute("create table raw.people as select 1 as id")
        view = f'create view "{stem}".kananas.contacts as from "{stem}".raw.people'
        connection.execute(view)
        connection.execute("create view Kizen.Companies as select 'c' as id")
    copy_raw_tables(source, copy)
    with duckdb.connect(copy) as connection:
        assert connection.execute("from kananas.contacts, kizen.companies").fetchall() == [(1, "c")]


def test_a_view_that_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    source = tmp_path / "source.duckdb"
    with duckdb.connect(source) as connection:
        connection.execute("create schema raw; create schema kananas; create schema kizen")
        connection.execute("create table raw.people as select 1 as id")
        connection.execute("create view kananas.contacts as from raw.people; drop table raw.people")
        connection.execute("create table kizen.companies (id varchar)")
    with pytest.raises(InputError, match=r"kananas\.contacts cannot be read: .*people") as caught:
        copy_raw_tables(source, tmp_path / "copy.duckdb")
    assert "\n" not in str(caught.value)


STAGED = """
create schema staging;
create schema marts;
create table staging.stg_kananas__contacts (contact_id varchar);
create table staging.stg_kizen__companies (company_id varchar);
create table marts.contact_mapping_report (meaning varchar, raw_column varchar, candidate int);
create table truth as select '7' as contact_id, 'x' as company_id;
"""
KNOWN_CONTACT = "insert into staging.stg_kananas__contacts values ('7');"
OTHER_CONTACT = "insert into staging.stg_kananas__contacts values ('c-7');"
OTHER_COMPANY = "insert into staging.stg_kizen__companies values ('X');"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (OTHER_CONTACT, "no contact_id, such as 7, is an id of kananas.contacts: .* such as c-7"),
        ("", "no contact_id, such as 7, is an id of kananas.contacts: there is none"),
        (KNOWN_CONTACT + OTHER_COMPANY,
         "no company_id, such as x, is an id of kizen.companies: .* such as X"),
        (KNOWN_CONTACT, "no company_id, such as x, is an id of kizen.companies: there is none"),
    ],
)  # fmt: skip
def test_a_truth_of_other_data_is_wrong_usage(rows: str, error: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(STAGED + rows)
        with pytest.raises(InputError, match=error):
            report.inputs(connection, {})


def test_columns_of_companies_that_say_nothing_are_named() -> None:
    columns = {"city": ["city", "town"], "website": ["custom_fields.website.value"]}
    with duckdb.connect() as connection:
        connection.execute(
            "create schema kizen; create schema other; create table other.companies (ort int);"
            'create table kizen.companies (id int, "Cíty" int, ort int, plz int, _sdc_a int);'
            "create table kizen.companies_company (id int, custom_fields json);"
            "create table kizen.client_client (id int, first_name text)"
        )
        assert list(unread_company_columns(connection, columns)) == [
            ("kizen.companies", ["ort", "plz"])
        ]


def test_what_the_model_of_companies_reads_by_name_alone_counts_as_read() -> None:
    model = PROJECT / "models" / "staging" / "kizen" / "stg_kizen__companies.sql"
    named = re.findall(r"raw_\w+\(columns, \[(.+?)\]\)", model.read_text(encoding="utf-8"))
    assert sorted(re.findall(r"'(\w+)'", " ".join(named))) == sorted(COMPANY_COLUMNS)


def test_a_floor_names_what_is_below_it() -> None:
    assert Floor.parsed("F1=0.5, recall=0.995").below(GOOD) == ["recall 0.9900, the floor is 0.995"]
    assert Floor.parsed("").below(GOOD) == []
    with pytest.raises(InputError, match="speed=1 is not NAME=SHARE; names are F1, precision"):
        Floor.parsed("speed=1")
