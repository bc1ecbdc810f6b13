"""Decisions as a table: what spreadsheets save is read, what they open is no formula."""

from __future__ import annotations

import csv
import subprocess
import sys
import unicodedata
import zipfile
from datetime import datetime, timezone
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from console.decisions.cli import main
from console.decisions.decision import Decision
from console.decisions.file import DecisionsFile
from console.decisions.table import COLUMNS, TableError, read, written
from console.export import write_xlsx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[3]
FRENCH = """Identifiant contact;Société;Décision;Auteur;Motif;Date
12;b-7;forcer;Zoé;« l\N{RIGHT SINGLE QUOTATION MARK}été » coûte 5 €;29/11/2026 14:05
13;b-8;non;;;1/2/2026
"""


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_what_spreadsheets_save_is_read(encoding: str, ending: str, delimiter: str) -> None:
    text = FRENCH.replace("\n", ending).replace(";", delimiter)
    decisions, refused = read(text.encode(encoding), "Ida", "a file")
    assert refused == []
    one, other = decisions
    assert (one.kind, one.contact_id, one.company_id) == ("company_link", "12", "b-7")
    assert (one.decision, one.author, one.reason) == (
        "force",
        "Zoé",
        "« l\N{RIGHT SINGLE QUOTATION MARK}été » coûte 5 €",
    )
    assert one.decided_at == moment(2026, 11, 29, 14, 5)
    assert (other.decision, other.author, other.reason) == ("forbid", "Ida", None)
    assert (other.decided_at, other.source) == (moment(2026, 2, 1), "a file")


@pytest.mark.parametrize(
    "content",
    [
        FRENCH.replace("\n", "\r").encode("mac_roman", "replace"),
        f"sep=;\r\n{FRENCH}".encode("cp1252"),
        b"\r\n\r\n" + FRENCH.replace("\n", ";;;\r\n").encode("cp1252"),
        unicodedata.normalize("NFD", FRENCH).encode(),
        FRENCH.replace(" 14:05", "\N{NO-BREAK SPACE}14h05").upper().encode(),
    ],
    ids=["macintosh", "sep", "empty columns", "decomposed", "capitals"],
)
def test_other_ways_of_spreadsheets_are_read(content: bytes) -> None:
    decisions, refused = read(content, "Ida", "a file")
    assert refused == []
    assert [(each.contact_id, each.decision) for each in decisions] == [
        ("12", "force"), ("13", "forbid")
    ]  # fmt: skip
    assert unicodedata.normalize("NFC", decisions[0].author or "").title() == "Zoé"
    assert decisions[0].decided_at == moment(2026, 11, 29, 14, 5)


def test_a_quotation_mark_that_nobody_closes_swallows_no_other_line() -> None:
    table = 'contact_id,company_id,decision\n1,a,"force\n2,a,force\n3,"a"b,force\n4,"a\n5,a,force\n'
    decisions, refused = read(table.encode(), None, "a file")
    assert [each.contact_id for each in decisions] == ["2", "5"]
    assert [line.number for line in refused] == [2, 4, 5]


def test_an_id_that_a_spreadsheet_has_shortened_is_refused() -> None:
    table = "contact_id;company_id;decision\n1,23457E+15;a;oui\n1E5;a;oui\n"
    decisions, refused = read(table.encode(), None, "a file")
    assert [each.contact_id for each in decisions] == ["1E5"]
    assert "the spreadsheet has shortened it" in refused[0].reason


def _saved(*rows: Sequence[object], **options: object) -> bytes:
    """Return a workbook as a spreadsheet saves it."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("Feuille 1")
        day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, place, value, day)
                elif value is not None:
                    sheet.write(number, place, value)
    return content.getvalue()


@pytest.mark.parametrize("options", [{}, {"date_1904": True}, {"constant_memory": True}])
def test_a_workbook_is_read_as_csv_is(options: dict[str, object]) -> None:
    content = _saved(
        ("Identifiant contact", "Société", "Décision", None, "Motif", "Date"),
        (12, "b-7", "Oui", None, "l'été\n& co", datetime(2026, 11, 29, 14, 5)),  # noqa: DTZ001
        (),
        (13, "b-8", "peut-être"),
        ("14", "b-9", "non", None, "'=1+1", "1/2/2026"),
        **options,
    )
    decisions, refused = read(content, "Ida", "a file")
    assert [(each.contact_id, each.decision, each.reason) for each in decisions] == [
        ("12", "force", "l'été & co"), ("14", "forbid", "=1+1")
    ]  # fmt: skip
    assert [each.decided_at for each in decisions] == [
        moment(2026, 11, 29, 14, 5), moment(2026, 2, 1)
    ]  # fmt: skip
    assert [line.number for line in refused] == [4]


def test_what_the_page_exports_is_imported_again_as_a_workbook() -> None:
    decisions, _ = read(FRENCH.encode(), "Ida", "a file")
    content = BytesIO()
    rows = [tuple(getattr(each, name) for name in COLUMNS) for each in decisions]
    write_xlsx(content, (list(COLUMNS), rows), "decisions")
    again, refused = read(content.getvalue(), None, "a file")
    assert refused == []
    assert again == decisions


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda content: content[:200], "the workbook is damaged"),
        (lambda _: _zipped({"content.xml": b"<x/>"}), "it is no workbook of Excel"),
        (lambda _: _zipped({"xl/workbook.xml": b"<workbook/>"}), "the workbook is damaged"),
        (lambda _: _zipped({"xl/workbook.xml": b"<workbook"}), "the workbook is damaged"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_told(
    changed: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read(changed(_saved(("decision",))), None, "a file")


def _zipped(parts: dict[str, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return content.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-29", moment(2026, 11, 29)),
        ("2026-11-29T12:00:00.123456Z", moment(2026, 11, 29, 12, 0, 0, 123456)),
        ("2026-11-29 12:00:00+02:00", moment(2026, 11, 29, 10)),
        ("29.11.2026 7:05:09", moment(2026, 11, 29, 7, 5, 9)),
        ("31/11/2026", None),
        ("11/29/2026", None),
        ("29/11/26", None),
        ("yesterday", None),
        ("01/01/0001 00:00+05:00", None),
    ],
)
def test_a_date_is_read_as_it_is_written_or_refused(text: str, expected: datetime | None) -> None:
    table = f"contact_id,company_id,decision,decided_at\n1,a,force,{text}\n"
    decisions, refused = read(table.encode(), "Ida", "a file")
    assert [each.decided_at for each in decisions] == ([expected] if expected else [])
    assert [line.number for line in refused] == ([] if expected else [2])
    assert all(repr(text) in line.reason for line in refused)


def test_each_bad_line_is_named_and_the_rest_is_kept() -> None:
    table = """contact_id,company_id,decision,kind,reason
1,a,force,,"two
lines"
2,a,frce,,
,a,force,,

3,,forbid,,
4,a,forbid,company,
5,a,forbid,,x,y
6,a,forbid,,
"""
    decisions, refused = read(table.encode(), None, "a file")
    assert [(each.contact_id, each.reason) for each in decisions] == [
        ("1", "two lines"),
        ("6", None),
    ]
    known = "company_link, person_link, kananas_contact_duplicate, kizen_contact_duplicate"
    assert [(line.number, line.reason) for line in refused] == [
        (4, "decision is 'frce': it has to be one of force, forbid, later, none, unsure, undo"),
        (5, "contact_id is empty"),
        (7, "kind is empty, and there is neither company_id nor kizen_contact_id"),
        (8, f"kind is 'company': it has to be one of {known}, company_duplicate, company_alias"),
        (9, "it has 6 cells, the headings are 5"),
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "the file is empty"),
        ("contact_id,company_id\n1,a\n", "there is no column decision"),
        ("contact,contact_id,decision\n", "two columns mean contact_id"),
    ],
)
def test_a_table_without_its_headings_is_refused(table: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(table.encode(), None, "a file")


def test_what_is_exported_is_no_formula_and_comes_back_as_it_was() -> None:
    texts = ["=1+1", "+33", "-5", "@SUM(A1)", "'quoted", "a,b;c", 'say "no"', "é\N{PARTY POPPER}"]
    given = [
        Decision(
            id=f"d{number}",
            kind="company_duplicate",
            decision="forbid",
            left_id=text,
            right_id="b",
            author=text,
            reason=text,
            action="x",
            decided_at=moment(2026, 1, 1, 0, 0, 0, number),
            source=text,
        )
        for number, text in enumerate(texts)
    ]
    table = written(given)
    for row in list(csv.reader(StringIO(table)))[1:]:
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert read(table.encode(), None, "a file") == (given, [])


def test_answers_of_a_sample_keep_their_sample() -> None:
    sheet = """Identifiant contact;Société;Décision;Échantillon;Type
12;b-7;oui;s1;
13;;aucune;s1;company_link
14;;ne sait pas;s1;company_link
"""
    decisions, refused = read(sheet.encode(), "Ida", "a file")
    assert refused == []
    assert [(each.decision, each.sample) for each in decisions] == [
        ("force", "s1"),
        ("none", "s1"),
        ("unsure", "s1"),
    ]
    assert read(written(decisions).encode(), "Ida", "a file") == (decisions, [])


def test_the_command_moves_decisions_from_one_file_to_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, table = tmp_path / "feuille.csv", tmp_path / "table.csv"
    sheet.write_bytes((FRENCH + "14;b-9;peut-être;;;\n").encode("cp1252"))
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    assert main(["--path", str(one), "import", str(sheet), "--author", "Ida"]) == 1
    out, err = capsys.readouterr()
    assert out == f"2 decisions added to {one}, 0 were there, 1 lines refused\n"
    assert err.startswith(f"{sheet} line 4: decision is 'peut-être'")
    assert main(["--path", str(one), "export", str(table)]) == 0
    for added in (2, 0):
        assert main(["--path", str(other), "import", str(table)]) == 0
        assert capsys.readouterr().out.startswith(f"{added} decisions added")
    assert DecisionsFile(other).read() == DecisionsFile(one).read()


def test_the_command_says_what_it_cannot_do(tmp_path: Path) -> None:
    """As a program of its own; the lines that are no decisions are told by an export."""
    path = tmp_path / "decisions.jsonl"
    path.write_text('{"id":"d1","kind"', "utf-8")
    program = [sys.executable, "-m", "console.decisions", "--path", str(path)]
    export = subprocess.run(
        [*program, "export"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert len(export.stdout.splitlines()) == 1
    assert export.stderr == f"decisions: {path} line 1 is skipped: the line has no end\n"
    missing = subprocess.run(
        [*program, "import", "nothing.csv"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert missing.returncode == 1
    assert missing.stderr.startswith("decisions: [Errno 2] No such file")
