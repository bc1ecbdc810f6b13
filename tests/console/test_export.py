"""Tables for spreadsheets: nothing in them is a formula, and nothing is lost."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import duckdb
import pytest

from console.decisions.file import DecisionsFile
from console.export import MOST_ROWS, ExportError, main, write_xlsx
from tests.console.decisions.test_file import decision
from tests.console.review.copy import make
from tests.console.review.serving import serving
from tests.console.review.test_safety import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells(workbook: bytes) -> list[list[tuple[str, str]]]:
    """The cells of the first sheet, each with its type; fails where there is a formula or link."""
    with zipfile.ZipFile(BytesIO(workbook)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - own
        assert not [name for name in book.namelist() if "rels" in name and "sheet1" in name]
    assert sheet.find(".//x:f", NAMESPACE) is None
    assert sheet.find(".//x:hyperlink", NAMESPACE) is None
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iterfind("x:c", NAMESPACE)]
        for row in sheet.iterfind(".//x:row", NAMESPACE)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes of an account full of hostile names."""
    folder = tmp_path_factory.mktemp("export")
    copy = make(folder / "warehouse.duckdb")
    with duckdb.connect(copy) as connection:
        for number, name in enumerate(HOSTILE, start=1):
            connection.execute(
                "update marts.contacts_with_companies set organisation = ? where contact_id = ?",
                [name, str(number)],
            )
    DecisionsFile(folder / "decisions.jsonl").append(
        decision(number, reason=name[:400]) for number, name in enumerate(HOSTILE, start=1)
    )
    given = ["--db", str(copy), "--decisions", str(folder / "decisions.jsonl")]
    assert main([*given, str(folder)]) == 0
    return folder


def test_every_table_is_written_in_both_forms(folder: Path) -> None:
    written = {path.name for path in folder.iterdir()} - {"warehouse.duckdb", "decisions.jsonl"}
    names = ("contacts", "queue", "duplicates", "decisions")
    assert written == {f"{name}.{form}" for name in names for form in ("csv", "xlsx")}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.csv")} == {0o600}


def test_a_text_in_a_sheet_is_a_text_as_it_is(folder: Path) -> None:
    heading, *rows = cells((folder / "contacts.xlsx").read_bytes())
    names = [text for _, text in heading]
    column = names.index("organisation")
    found = {dict(zip(names, row, strict=False))["contact_id"][1]: row[column] for row in rows
             if len(row) > column}  # fmt: skip
    for number, name in enumerate(HOSTILE, start=1):
        kind, text = found[str(number)]
        assert kind == "inlineStr"
        if name.isprintable():
            assert text == name
    first = dict(zip(names, rows[0], strict=False))
    assert first["confidence"] == ("n", "0.800")
    assert first["birth_date"][0] == first["updated_at"][0] == "n"
    assert first["is_sure"][0] == "b"
    assert first["tags"] == ("inlineStr", '["a","b"]')


def test_no_cell_of_a_csv_is_a_formula(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        text = path.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        _, *rows = csv.reader(StringIO(text.decode("utf-8-sig"), newline=""))
        assert rows
        for row in rows:
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    found = csv.DictReader(StringIO((folder / "contacts.csv").read_text("utf-8-sig"), newline=""))
    by_id = {row["contact_id"]: row for row in found}
    assert by_id["80"]["updated_at"] == "2026-01-01T12:00:00"
    number = HOSTILE.index("=1+1") + 1
    assert by_id[str(number)]["organisation"] == "'=1+1"


def test_a_table_larger_than_a_sheet_is_refused() -> None:
    rows: Any = range(MOST_ROWS + 1)
    with pytest.raises(ExportError, match="contacts has 1048576 rows: a sheet has 1048575"):
        write_xlsx(BytesIO(), (["id"], rows), "contacts")


def test_a_missing_copy_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--db", str(tmp_path / "none"), str(tmp_path)]) == 1
    assert "run `make refresh`, which makes it" in capsys.readouterr().err


def test_the_page_hands_out_the_same_tables(folder: Path, tmp_path: Path) -> None:
    copy = folder / "warehouse.duckdb"
    with serving(copy, folder / "decisions.jsonl") as server:
        visitor = server.visitor()
        visitor.go("/decided")
        assert "contacts with their companies" in visitor.text
        for path in sorted({*folder.glob("*.csv"), *folder.glob("*.xlsx")}):
            assert f'href="/export/{path.name}"' in visitor.html
            answer = visitor.web.get(f"{server.base}/export/{path.name}")
            assert answer.status_code == 200
            assert answer.headers["content-disposition"] == f'attachment; filename="{path.name}"'
            if path.suffix == ".csv":
                assert answer.content == path.read_bytes()
            else:
                assert cells(answer.content) == cells(path.read_bytes())
        for wrong in ("contacts.ods", "passwd.csv", "..%2Fx.csv"):
            assert visitor.web.get(f"{server.base}/export/{wrong}").status_code == 404
        visitor.web.cookies.clear()
        assert visitor.web.get(f"{server.base}/export/contacts.csv").status_code == 403
    make(tmp_path / "warehouse.duckdb", 10, 4, "drop table marts.possible_duplicates")
    with serving(tmp_path / "warehouse.duckdb", tmp_path / "decisions.jsonl") as server:
        visitor = server.visitor()
        assert "/export/duplicates" not in (visitor.go("/decided") and visitor.html)
        answer = visitor.web.get(f"{server.base}/export/duplicates.csv")
        assert answer.status_code == 404
