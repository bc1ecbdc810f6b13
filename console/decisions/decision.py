"""One decision of a person, as a line of the decisions file holds it."""

from __future__ import annotations

import getpass
import re
import secrets
from datetime import datetime, timezone
from typing import Literal, get_args

import msgspec

Kind = Literal[
    "company_link",
    "person_link",
    "kananas_contact_duplicate",
    "kizen_contact_duplicate",
    "company_duplicate",
    "company_alias",
]
Verdict = Literal["force", "forbid", "later", "none", "unsure", "undo"]

KINDS: tuple[Kind, ...] = get_args(Kind)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

#: The two fields that name what a decision of a kind is about.
FIELDS: dict[Kind, tuple[str, str]] = {
    "company_link": ("contact_id", "company_id"),
    "person_link": ("contact_id", "kizen_contact_id"),
    "kananas_contact_duplicate": ("left_id", "right_id"),
    "kizen_contact_duplicate": ("left_id", "right_id"),
    "company_duplicate": ("left_id", "right_id"),
    "company_alias": ("contact_id", "company_id"),
}

#: What is said of a contact alone, and changes no link by itself.
OF_A_CONTACT: tuple[Verdict, ...] = ("later", "none", "unsure")

LONGEST = 4000
"""Characters that an id, a name or a note may have."""

_UNWRITABLE = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class DecisionError(ValueError):
    """What makes a decision none; the message names the field."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision; docs/review.md has its fields as a table.

    `force` says that two belong together, or are the same; `forbid` that they do not. `later` puts
    the question off. `none` and `unsure` answer a question of a sample: no company that was shown,
    and "I cannot tell". `undo` takes back the decision whose id is in `undoes`. Of a
    `company_alias`, `forbid` says that the name of a contact does not stand for a company.
    """

    id: str
    kind: Kind
    decision: Verdict
    contact_id: str | None = None
    company_id: str | None = None
    kizen_contact_id: str | None = None
    left_id: str | None = None
    right_id: str | None = None
    undoes: str | None = None
    action: str | None = None
    author: str | None = None
    reason: str | None = None
    decided_at: datetime
    source: str | None = None
    sample: str | None = None

    @property
    def pair(self) -> tuple[str | None, str | None]:
        """The two ids it is about; of duplicates the smaller first."""
        one, other = (getattr(self, name) for name in FIELDS[self.kind])
        if self.kind.endswith("_duplicate") and one is not None and other is not None:
            return min(one, other), max(one, other)
        return one, other


def new_id() -> str:
    """Return an id that no other decision has."""
    return secrets.token_hex(8)


def this_user() -> str:
    """Return the name of the account that runs this; an account may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(timezone.utc)


def plain(text: str | None) -> str | None:
    """Return a text of a person in one line, or None where it says nothing."""
    return (_CONTROLS.sub(" ", text).strip() or None) if text is not None else None


def checked(decision: Decision) -> Decision:
    """Return the decision as it may be written.

    Raises:
        DecisionError: It does not say what it is about, or a text cannot be written.
    """
    needed = ("undoes",) if decision.decision == "undo" else FIELDS[decision.kind]
    if decision.decision in OF_A_CONTACT:
        needed = needed[:1]
    for name in needed:
        if not (getattr(decision, name) or "").strip():
            message = f"{name} is empty"
            raise DecisionError(message)
    if decision.kind == "company_alias" and decision.decision not in {"forbid", "undo"}:
        message = "an alias is taught by a company_link: a company_alias can only forbid it"
        raise DecisionError(message)
    one, other = decision.pair
    if decision.kind.endswith("_duplicate") and one is not None and one == other:
        message = "left_id and right_id are the same"
        raise DecisionError(message)
    changed = {name: plain(getattr(decision, name)) for name in ("author", "reason")}
    for name, value in {**msgspec.structs.asdict(decision), **changed}.items():
        if not isinstance(value, str):
            continue
        if _UNWRITABLE.search(value):
            message = f"{name} holds half a character"
            raise DecisionError(message)
        if len(value) > LONGEST:
            message = f"{name} is longer than {LONGEST} characters"
            raise DecisionError(message)
    moment = decision.decided_at
    # A moment without a zone is UTC, as it is to dbt.
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(
        timezone.utc
    )
    return msgspec.structs.replace(decision, **changed, decided_at=moment)
