"""Decisions as a table: CSV or a workbook, as spreadsheets read and save them."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import TYPE_CHECKING

from console.decisions import workbook
from console.decisions.decision import (
    FIELDS,
    KINDS,
    Decision,
    DecisionError,
    Kind,
    Verdict,
    checked,
    new_id,
    now,
    plain,
)
from console.tables import as_text, from_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS = (
    "id", "kind", "contact_id", "company_id", "kizen_contact_id", "left_id", "right_id",
    "decision", "undoes", "author", "reason", "decided_at", "source", "action", "sample",
)  # fmt: skip

#: Headings by the column they mean; accents, case and signs do not count.
_HEADINGS = {
    **{name: name for name in COLUMNS},
    "contact": "contact_id",
    "id contact": "contact_id",
    "identifiant contact": "contact_id",
    "identifiant du contact": "contact_id",
    "numero contact": "contact_id",
    "company": "company_id",
    "societe": "company_id",
    "id societe": "company_id",
    "identifiant societe": "company_id",
    "identifiant de la societe": "company_id",
    "entreprise": "company_id",
    "id entreprise": "company_id",
    "kizen contact": "kizen_contact_id",
    "person": "kizen_contact_id",
    "personne": "kizen_contact_id",
    "id personne": "kizen_contact_id",
    "left": "left_id",
    "gauche": "left_id",
    "right": "right_id",
    "droite": "right_id",
    "type": "kind",
    "genre": "kind",
    "auteur": "author",
    "decide par": "author",
    "decided by": "author",
    "motif": "reason",
    "raison": "reason",
    "note": "reason",
    "remarque": "reason",
    "date": "decided_at",
    "decide le": "decided_at",
    "decided on": "decided_at",
    "annule": "undoes",
    "echantillon": "sample",
}

_VERDICTS: dict[str, Verdict] = {
    "force": "force", "forbid": "forbid", "later": "later", "undo": "undo",
    "yes": "force", "oui": "force", "forcer": "force", "lier": "force",
    "no": "forbid", "non": "forbid", "interdire": "forbid", "interdit": "forbid",
    "exclure": "forbid", "plus tard": "later", "annuler": "undo",
    "none": "none", "aucune": "none", "aucun": "none", "unsure": "unsure", "ne sait pas": "unsure",
}  # fmt: skip

#: How a spreadsheet writes a number of many digits.
_SHORTENED = re.compile(r"\d[.,]\d+E\+\d+")
_DATE = re.compile(
    r"(?:(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{4})"
    r"|(?P<iso_year>\d{4})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2}))"
    r"(?:[ \xa0\u202fT,]+(?P<hour>\d{1,2})[:hH](?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,6})\d*)?)?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?",
)


class TableError(Exception):
    """The whole table cannot be read; the message says why."""


@dataclass(frozen=True)
class Refused:
    """A line that was not taken: its number in the file, from 1, and why."""

    number: int
    reason: str


def written(decisions: Iterable[Decision]) -> str:
    """Return decisions as CSV with a heading; a text that would be a formula stays text."""
    output = StringIO()
    writer = csv.writer(output)
    writer.writerow(COLUMNS)
    for decision in decisions:
        row = []
        for name in COLUMNS:
            value = getattr(decision, name)
            row.append(moment_text(value) if isinstance(value, datetime) else as_text(value))
        writer.writerow(row)
    return output.getvalue()


def moment_text(moment: datetime) -> str:
    """Return a moment in UTC to the microsecond, as the decisions file has it."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(content: bytes, author: str | None, source: str) -> tuple[list[Decision], list[Refused]]:
    """Read a table: a workbook (.xlsx), or CSV as a spreadsheet saves it.

    CSV is parted by commas, semicolons or tabs; it is UTF-8, UTF-16 with a mark, Windows-1252, or
    what a Macintosh saves.

    Args:
        content: The file.
        author: Who decided, where a line does not say.
        source: Where the decisions come from.

    Returns:
        The decisions, and the lines that are none.

    Raises:
        TableError: There is no heading with the columns that are needed.
    """
    headings: list[str | None] | None = None
    decisions: list[Decision] = []
    refused: list[Refused] = []
    for number, row in _rows(content, refused):
        if not any(cell.strip() for cell in row):
            continue
        if headings is None:
            headings = _headings(row)
            continue
        try:
            decisions.append(_decision(dict(_named(headings, row)), author, source))
        except DecisionError as error:
            refused.append(Refused(number, str(error)))
    if headings is None:
        message = "the file is empty"
        raise TableError(message)
    return decisions, sorted(refused, key=lambda each: each.number)


def _rows(content: bytes, refused: list[Refused]) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of a table with their numbers; those that cannot be read are refused."""
    if content.startswith(workbook.BEGINNING):
        try:
            yield from workbook.rows(content)
        except workbook.WorkbookError as error:
            raise TableError(str(error)) from None
        return
    lines = list(StringIO(_decoded(content), newline=""))
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    # Where Excel says what parts the cells.
    told = re.fullmatch(r"sep=(.)\s*", lines[first], re.IGNORECASE) if lines else None
    if told:
        lines[first] = "\n"
    heading = lines[first + 1] if told and len(lines) > first + 1 else "".join(lines[first:][:1])
    delimiter = told[1] if told else max(",;\t", key=heading.count)
    place = 0
    while place < len(lines):
        rows = csv.reader(lines[place:], delimiter=delimiter, strict=True)
        began = place
        try:
            for row in rows:
                yield began + 1, row
                began = place + rows.line_num
            place = len(lines)
        except csv.Error as error:
            # A quotation mark that nobody closes swallows no other line.
            refused.append(Refused(began + 1, str(error)))
            place = began + 1


def _decoded(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Excel on a Macintosh may end lines as no other does, and then write letters with accents
        # where Windows has signs that are rare.
        is_of_macintosh = b"\r" in content and b"\n" not in content
        letters = sum(0x80 <= each < 0xA0 for each in content)  # noqa: PLR2004 - where they stand
        others = sum(each >= 0xC0 for each in content)  # noqa: PLR2004 - where Windows has them
        encoding = "mac_roman" if is_of_macintosh and letters > others else "cp1252"
        return content.decode(encoding, "replace")


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.lower())
    plain_letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return " ".join(re.split(r"[\W_]+", plain_letters)).strip()


_BY_FOLDED = {_folded(heading): column for heading, column in _HEADINGS.items()}


def _headings(row: list[str]) -> list[str | None]:
    found = [_BY_FOLDED.get(_folded(heading)) for heading in row]
    known = [name for name in found if name is not None]
    if "decision" not in known:
        message = f"there is no column decision: the headings are {', '.join(row)[:200]}"
        raise TableError(message)
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        message = f"two columns mean {twice[0]}"
        raise TableError(message)
    return found


def _named(headings: list[str | None], row: list[str]) -> Iterable[tuple[str, str]]:
    if len(row) > len(headings) and any(cell.strip() for cell in row[len(headings) :]):
        message = f"it has {len(row)} cells, the headings are {len(headings)}"
        raise DecisionError(message)
    for name, cell in zip(headings, row, strict=False):
        value = from_text(cell)
        if name is not None and value.strip():
            yield name, value.strip()


def _decision(values: dict[str, str], author: str | None, source: str) -> Decision:
    verdict = _VERDICTS.get(_folded(values.get("decision", "")))
    if verdict is None:
        known = "force, forbid, later, none, unsure, undo"
        message = f"decision is {values.get('decision', '')!r}: it has to be one of {known}"
        raise DecisionError(message)
    moment = values.pop("decided_at", None)
    for name in ("contact_id", "company_id", "kizen_contact_id", "left_id", "right_id"):
        if _SHORTENED.fullmatch(values.get(name, "")):
            given = values[name]
            message = f"{name} is {given!r}: the spreadsheet has shortened it; make its column text"
            raise DecisionError(message)
    return checked(
        Decision(
            id=values.get("id") or new_id(),
            kind=_kind(values),
            decision=verdict,
            author=plain(values.get("author")) or author,
            decided_at=_moment(moment) if moment else now(),
            source=values.get("source") or source,
            **{
                name: value
                for name, value in values.items()
                if name not in {"id", "kind", "decision", "author", "source"}
            },
        )
    )


def _kind(values: dict[str, str]) -> Kind:
    given = _folded(values.get("kind", "")).replace(" ", "_")
    if given in KINDS:
        return given
    if given:
        message = f"kind is {values['kind']!r}: it has to be one of {', '.join(KINDS)}"
        raise DecisionError(message)
    for kind in ("company_link", "person_link"):
        if FIELDS[kind][1] in values:
            return kind
    message = "kind is empty, and there is neither company_id nor kizen_contact_id"
    raise DecisionError(message)


def _moment(text: str) -> datetime:
    """Return a date of a spreadsheet; day before month, and UTC where it names no zone."""
    found = _DATE.fullmatch(text)
    if found is None:
        message = f"decided_at is {text!r}: write 31/12/2026 or 2026-12-31, with a time or without"
        raise DecisionError(message)
    part = found.groupdict()
    try:
        moment = datetime(
            int(part["year"] or part["iso_year"]),
            int(part["month"] or part["iso_month"]),
            int(part["day"] or part["iso_day"]),
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            int((part["part"] or "0").ljust(6, "0")),
            tzinfo=timezone.utc,
        )
        return moment - _offset(part["zone"])
    except (ValueError, OverflowError):
        message = f"decided_at is {text!r}: there is no such moment"
        raise DecisionError(message) from None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in {"Z", "UTC"}:
        return timedelta(0)
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -ahead if zone.startswith("-") else ahead
