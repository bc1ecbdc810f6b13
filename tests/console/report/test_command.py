"""`report`: where the page goes, who may read it, and how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from console.report.cli import main, write
from tests.console.report.reading import said
from tests.console.report.warehouse import ROOT, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = (
    "DUCKDB_PATH", "DUCKDB_PUBLISH_DIR", "REPORT_DBT_TARGET_PATH", "REPORT_OUTPUT", "REPORT_NAMES",
    "REPORT_LANGUAGE", "REPORT_STALE_HOURS", "REPORT_QUEUE_LENGTH", "REPORT_REVIEW_URL",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (*SETTINGS, "DBT_TARGET_PATH"):
        monkeypatch.delenv(each, raising=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "published").mkdir()
    return Warehouse(tmp_path / "published").close()


@pytest.fixture
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("usual_mask")
def test_it_lies_beside_the_copy_for_its_owner_alone(
    copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([str(copy)]) == 0
    page = copy.with_name("report.html")
    assert capfd.readouterr() == (f"{page}\n", "")
    assert mode(page) == 0o600
    page.chmod(0o644)
    assert main([str(copy)]) == 0
    assert mode(page) == 0o600
    assert {each.name for each in copy.parent.iterdir()} == {"report.html", "warehouse.duckdb"}


def test_settings_come_from_the_environment(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_PATH", str(copy.parent.parent / "warehouse.duckdb"))
    monkeypatch.setenv("DUCKDB_PUBLISH_DIR", str(copy.parent))
    monkeypatch.setenv("REPORT_OUTPUT", str(copy.parent / "new" / "page.html"))
    monkeypatch.setenv("REPORT_NAMES", "false")
    monkeypatch.setenv("REPORT_LANGUAGE", "fr")
    monkeypatch.setenv("REPORT_STALE_HOURS", "7")
    monkeypatch.setenv("REPORT_QUEUE_LENGTH", "")
    assert main([]) == 0
    page = (copy.parent / "new" / "page.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in page
    assert "for 7 hours after it was read" in said(page)
    assert "Names and addresses are left out." in said(page)
    assert main(["--names", "true", "--language=en"]) == 0
    page = (copy.parent / "new" / "page.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert "This file holds personal data" in said(page)


def test_dbts_files_are_found_where_dbt_leaves_them(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = json.dumps({
        "metadata": {"dbt_version": "1.11.0", "invocation_started_at": "2026-11-28T06:10:00Z"},
        "elapsed_time": 61.25, "results": [],
    })  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for folder, variable, value in (
        ("dbt_project/target", "DBT_TARGET_PATH", ""),
        ("dbt_project/own", "DBT_TARGET_PATH", "own"),
        ("elsewhere", "DBT_TARGET_PATH", str(tmp_path / "elsewhere")),
        ("named", "REPORT_DBT_TARGET_PATH", "named"),
    ):
        monkeypatch.setenv(variable, value)
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run_results.json").write_text(results, encoding="utf-8")
        assert main([str(copy)]) == 0
        page = copy.with_name("report.html").read_text(encoding="utf-8")
        assert "dbt took 61.2 seconds" in said(page)
        (tmp_path / folder / "run_results.json").unlink()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("REPORT_NAMES", "no", "--names (REPORT_NAMES) must be true or false"),
        ("REPORT_LANGUAGE", "de", "--language (REPORT_LANGUAGE) must be en or fr"),
        ("REPORT_STALE_HOURS", "0", "(REPORT_STALE_HOURS) must be a whole number, 1 or more"),
        ("REPORT_STALE_HOURS", "1.5", "(REPORT_STALE_HOURS) must be a whole number, 1 or more"),
        ("REPORT_QUEUE_LENGTH", "-1", "(REPORT_QUEUE_LENGTH) must be a whole number, 0 or more"),
        (
            "REPORT_REVIEW_URL",
            "javascript:x",
            "must be an address that begins with https:// or http://",
        ),
        ("REPORT_QUEUE_LENGTH", "٣", "(REPORT_QUEUE_LENGTH) must be a whole number, 0 or more"),
    ],
)
def test_a_wrong_setting_ends_with_2(
    copy: Path, capfd: pytest.CaptureFixture[str], variable: str, value: str, message: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, value)
        with pytest.raises(SystemExit) as ended:
            main([str(copy)])
    assert ended.value.code == 2
    assert capfd.readouterr().err.splitlines()[-1].endswith(message)


def test_no_database_named_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "set DUCKDB_PATH and DUCKDB_PUBLISH_DIR" in capsys.readouterr().err


def test_no_published_copy_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "x.duckdb")]) == 1
    assert capsys.readouterr().err == (
        f"report: there is no published copy {tmp_path / 'x.duckdb'}: run `make refresh`, "
        "which makes it\n"
    )
    (tmp_path / "x.duckdb").write_text("no database", encoding="utf-8")
    assert main([str(tmp_path / "x.duckdb")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be opened" in line


def test_tables_of_another_shape_end_in_one_line_without_a_value(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(copy)) as connection:
        connection.execute("alter table marts.companies rename contact_count to x")
    assert main([str(copy)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "contact_count" in line
    assert "run `meltano run transform`" in line
    with duckdb.connect(str(copy)) as connection:
        connection.execute("create or replace table marts.companies (contact_count varchar)")
        connection.execute("insert into marts.companies values ('Zoé Roy')")
    assert main([str(copy)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Zoé" not in line
    assert not copy.with_name("report.html").exists()


def test_a_folder_that_cannot_be_written_ends_in_one_line(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main([str(copy), "--output", str(tmp_path / "file" / "report.html")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("report: cannot write ")


def test_what_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    left = tmp_path / ".report.html.writing"
    left.write_text("half of a longer page", encoding="utf-8")
    left.chmod(0o644)
    write(tmp_path / "report.html", "whole")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "whole"
    assert mode(tmp_path / "report.html") == 0o600


def test_a_link_in_its_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious", encoding="utf-8")
    (tmp_path / ".report.html.writing").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path / "report.html", "page")
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "precious"


def test_whoever_reads_while_many_write_reads_one_whole_page(tmp_path: Path) -> None:
    pages = [str(number) * 200_000 for number in range(4)]
    path = tmp_path / "report.html"
    write(path, pages[0])

    def write_often(text: str) -> None:
        for _ in range(20):
            write(path, text)

    writers = [threading.Thread(target=write_often, args=[text]) for text in pages]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_text(encoding="utf-8"))
    assert seen <= set(pages)
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_it_is_a_program_and_a_plugin_that_jobs_end_with(copy: Path) -> None:
    program = Path(sys.executable).with_name("report")
    done = subprocess.run(
        [program, "--", str(copy)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (plugin,) = (each for each in project["plugins"]["utilities"] if each["name"] == "report")
    assert {each["env"] for each in plugin["settings"]} == set(SETTINGS)
    jobs = {job["name"]: job["tasks"] for job in project["jobs"]}
    assert jobs["elt"][-2:] == jobs["transform"][-2:] == ["publish:copy", "report:write"]
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for each in plugin["settings"]:
        assert f"| `{each['name']}` | `{each['env']}` |" in settings
        if each["name"] in {"stale_hours", "queue_length", "names"}:
            default = json.dumps(each["value"])
            assert f"`{each['env']}` | `{default}` |" in settings
