"""Moments as the published copy has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published


def moment(microseconds: int | None) -> datetime | None:
    """Return a moment from microseconds since 1970, as `epoch_us` gives them."""
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1_000_000, timezone.utc)


@dataclass(frozen=True)
class Built:
    """When the tables were made.

    Attributes:
        at: When the build that made them began; None where the copy does not say.
        checked_at: When a later run found that nothing they depend on has changed; None for no run.
        whole_at: When everything was built last, where the last build made a part only.
    """

    at: datetime | None
    checked_at: datetime | None = None
    whole_at: datetime | None = None


def built(published: Published) -> Built:
    """Read when the tables were made, from the mark of the build and from what the models say."""
    last = None
    if published.has("intermediate.int_builds__last"):
        query = "select epoch_us(max(started_at)) as at from intermediate.int_builds__last"
        last = moment(published.row(query)["at"])
    if not published.has("build_mark.build"):
        return Built(last)
    query = "select epoch_us(built_at) as at, epoch_us(whole_at) as whole_at from build_mark.build"
    row = published.row(query)
    at, whole_at = moment(row["at"]), moment(row["whole_at"])
    return Built(
        at,
        last if at and last and last > at else None,
        whole_at if at and whole_at and whole_at < at else None,
    )
