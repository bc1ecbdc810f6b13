"""Decisions as a table: CSV, as spreadsheets read and save it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import TYPE_CHECKING

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
from console.tables import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

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

_PLAIN = str.maketrans("àâäçéèêëîïôöùûüÿ", "aaaceeeeiioouuuy")
_DATE = re.compile(
    r"(?:(?P<day>\d{1,2})[/.](?P<month>\d{1,2})[/.](?P<year>\d{4})"
    r"|(?P<iso_year>\d{4})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2}))"
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})"
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
    """Read a table: comma, semicolon or tab; UTF-8, UTF-16 with a mark, or Windows-1252.

    Args:
        content: The file.
        author: Who decided, where a line does not say.
        source: Where the decisions come from.

    Returns:
        The decisions, and the lines that are none.

    Raises:
        TableError: There is no heading with the columns that are needed.
    """
    text = _decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    headings: list[str | None] | None = None
    decisions: list[Decision] = []
    refused: list[Refused] = []
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            refused.append(Refused(number, str(error)))
            continue
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
    return decisions, refused


def _decoded(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _folded(text: str) -> str:
    return " ".join(re.split(r"[\W_]+", text.strip().lower().translate(_PLAIN))).strip()


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
        # What `as_text` has put before a text so that it is no formula.
        value = cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@\t\r'" else cell
        if name is not None and value.strip():
            yield name, value.strip()


def _decision(values: dict[str, str], author: str | None, source: str) -> Decision:
    verdict = _VERDICTS.get(_folded(values.get("decision", "")))
    if verdict is None:
        known = "force, forbid, later, none, unsure, undo"
        message = f"decision is {values.get('decision', '')!r}: it has to be one of {known}"
        raise DecisionError(message)
    moment = values.pop("decided_at", None)
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
