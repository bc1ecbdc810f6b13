"""The first sheet of a workbook, as Excel and LibreOffice save it (.xlsx), as rows of text.

Only what a table of decisions needs is read: texts, numbers, dates and truth values.
"""

from __future__ import annotations

import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BEGINNING = b"PK\x03\x04"
"""What each workbook begins with."""

MOST_BYTES = 1 << 28
"""Of a part of a workbook, unpacked."""

_MOST_COLUMNS = 1000
_COLUMN = re.compile("[A-Z]+")
#: Numbers of the formats of dates that need no description in the file.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NO_DATE_PARTS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


class WorkbookError(ValueError):
    """The file is no workbook that can be read; the message says why."""


def rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of the first sheet that say anything, each with its number from 1.

    Raises:
        WorkbookError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as book:
            if "xl/workbook.xml" not in book.namelist():
                message = "it is no workbook of Excel: save it as .xlsx or as CSV"
                raise WorkbookError(message)
            yield from _rows(book)
    except (zipfile.BadZipFile, KeyError, ET.ParseError, ValueError, OverflowError) as error:
        if isinstance(error, WorkbookError):
            raise
        message = f"the workbook is damaged: {error}"
        raise WorkbookError(message) from None


def _rows(book: zipfile.ZipFile) -> Iterator[tuple[int, list[str]]]:
    about = _part(book, "xl/workbook.xml")
    properties = _all(about, "workbookPr")
    is_1904 = any(each.get("date1904") in {"1", "true"} for each in properties)
    first_day = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - as written
    texts, dates = _texts(book), _date_styles(book)
    number = 0
    for row in _all(_part(book, _first_sheet(book, about)), "row"):
        number = int(row.get("r") or number + 1)
        cells: list[str] = []
        for cell in _all(row, "c"):
            place = _place(cell.get("r"), len(cells))
            cells += [""] * (place - len(cells))
            cells.append(_text(cell, texts, dates, first_day))
        if any(text.strip() for text in cells):
            yield number, cells


def _part(book: zipfile.ZipFile, name: str) -> ET.Element:
    with book.open(name) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        message = f"{name} is larger than {MOST_BYTES} bytes: save it as CSV"
        raise WorkbookError(message)
    if b"<!DOCTYPE" in content[:1000]:
        message = f"{name} declares entities, which no workbook needs"
        raise WorkbookError(message)
    return ET.fromstring(content)  # noqa: S314 - entities are refused above


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Return elements by their name, in whichever of the two namespaces of workbooks."""
    return (each for each in element.iter() if each.tag.rpartition("}")[2] == name)


def _first_sheet(book: zipfile.ZipFile, about: ET.Element) -> str:
    sheet = next(_all(about, "sheet"), None)
    if sheet is None:
        message = "the workbook has no sheet"
        raise WorkbookError(message)
    wanted = next(value for key, value in sheet.attrib.items() if key.endswith("}id"))
    for each in _all(_part(book, "xl/_rels/workbook.xml.rels"), "Relationship"):
        if each.get("Id") == wanted:
            target = each.get("Target", "")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    message = "the workbook has no first sheet"
    raise WorkbookError(message)


def _texts(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_said(each) for each in _all(_part(book, "xl/sharedStrings.xml"), "si")]


def _said(element: ET.Element) -> str:
    """Return the text of a cell, without how it is pronounced."""
    spoken = {each for read in _all(element, "rPh") for each in _all(read, "t")}
    return "".join(each.text or "" for each in _all(element, "t") if each not in spoken)


def _date_styles(book: zipfile.ZipFile) -> set[int]:
    """Return the styles of cells that show a number as a date."""
    if "xl/styles.xml" not in book.namelist():
        return set()
    styles = _part(book, "xl/styles.xml")
    own = {
        int(each.get("numFmtId", 0)): _NO_DATE_PARTS.sub("", each.get("formatCode", "")).lower()
        for each in _all(styles, "numFmt")
    }
    dates = _DATE_FORMATS | {number for number, code in own.items() if "y" in code or "d" in code}
    return {
        place
        for table in _all(styles, "cellXfs")
        for place, each in enumerate(_all(table, "xf"))
        if int(each.get("numFmtId", 0)) in dates
    }


def _place(reference: str | None, following: int) -> int:
    """Return the column of a cell, from 0; where it is not said, the one that follows."""
    found = _COLUMN.match(reference or "")
    if found is None:
        return following
    place = 0
    for letter in found.group():
        place = place * 26 + ord(letter) - ord("A") + 1
    if not following < place <= _MOST_COLUMNS:
        message = f"the cell {reference} is out of place"
        raise WorkbookError(message)
    return place - 1


def _text(cell: ET.Element, texts: Sequence[str], dates: set[int], first_day: datetime) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _said(cell)
    value = next((each.text or "" for each in _all(cell, "v")), "")
    if kind == "s":
        return texts[int(value)] if value else ""
    if kind != "n" or not value:
        return value
    if int(cell.get("s", 0)) in dates:
        # To the second: what is shown of a moment is a fraction of a day, and not exact.
        seconds = round(float(value) * 86400)
        return (first_day + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    number = float(value)
    return str(int(number)) if number.is_integer() else value
