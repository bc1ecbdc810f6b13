"""What was drawn: `audits.jsonl` beside the decisions file, appended to like that one."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads it
from typing import TYPE_CHECKING, Literal

import msgspec

from console.decisions.file import LinesFile

if TYPE_CHECKING:
    from pathlib import Path

NAME = "audits.jsonl"


class Drawn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contact of a sample; docs/audit.md has its fields as a table."""

    id: str
    contact_id: str
    stratum: str
    stratum_size: int
    status: str
    status_size: int
    drawn_for: Literal["status", "tier", "stratum"]
    position: int
    company_id: str | None = None
    tier: str | None = None
    confidence: float | None = None
    rule_version: str
    seed: int
    margin: float
    drawn_at: datetime


class SamplesFile(LinesFile[Drawn]):
    """The samples that were drawn for the decisions of a file."""

    def __init__(self, decisions: Path) -> None:
        """Take the path of the decisions file."""
        decode = msgspec.json.Decoder(Drawn).decode
        super().__init__(decisions.expanduser().with_name(NAME), decode, lambda drawn: drawn)

    def last(self) -> list[Drawn]:
        """Return the contacts of the sample that was drawn last, in the order of judging.

        Raises:
            DecisionsFileError: The file cannot be read.
        """
        every = self.read()
        if not every:
            return []
        latest = max(every, key=lambda each: (each.drawn_at, each.id)).id
        return sorted((each for each in every if each.id == latest), key=lambda each: each.position)
