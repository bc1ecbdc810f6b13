"""The first sheet of a workbook, as Excel and LibreOffice save it (.xlsx), as rows of text."""

from __future__ import annotations

import zipfile
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BEGINNING = b"PK\x03\x04"
"""What each workbook begins with."""

MOST_BYTES = 1 << 28
"""Of all parts of a workbook, unpacked."""


class WorkbookError(ValueError):
    """The file is no workbook that can be read; the message says why."""


def rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of the first sheet that say anything, each with its number from 1.

    Raises:
        WorkbookError: It cannot be read.
    """
    try:
        for number, row in enumerate(_first_sheet(content), start=1):
            cells = [_text(value) for value in row]
            if any(text.strip() for text in cells):
                yield number, cells
    except WorkbookError:
        raise
    # What openpyxl makes of parts that are missing or wrong.
    except (
        zipfile.BadZipFile, ParseError, ArithmeticError, AttributeError, EOFError, LookupError,
        TypeError, ValueError,
    ) as error:  # fmt: skip
        message = f"the workbook is damaged: {error}"
        raise WorkbookError(message) from None


def _first_sheet(content: bytes) -> Iterable[tuple[object, ...]]:
    with zipfile.ZipFile(BytesIO(content)) as packed:
        parts = packed.infolist()
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        message = "it is no workbook of Excel: save it as .xlsx or as CSV"
        raise WorkbookError(message)
    if sum(part.file_size for part in parts) > MOST_BYTES:
        message = f"the workbook is larger than {MOST_BYTES:,} bytes: save it as CSV"
        raise WorkbookError(message)
    # Only here: it takes longer to import than all else of a program that reads no workbook.
    from openpyxl import load_workbook  # noqa: PLC0415

    book = load_workbook(BytesIO(content), read_only=True, data_only=True)
    rows: Iterable[tuple[object, ...]] = book.worksheets[0].iter_rows(values_only=True)
    return rows


def _text(value: object) -> str:
    """Return a cell as CSV would have it: a moment to the second, and no decimal point for 12."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
