"""What changed since the run before, and in the last months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from console.report.moments import moment

if TYPE_CHECKING:
    from console.published import Published, Row

SHOWN = 10
"""Contacts that are named: first who moved to another company, then who lost one."""

#: In what order the changes are told; others follow.
ORDER = (
    "contact appeared", "contact came back", "contact gone", "company found", "other company",
    "company lost", "other status", "other evidence",
)  # fmt: skip

_POINTS = 13
_MONTHS_FROM = timedelta(days=62)
HISTORY = "history.contact_company_link_history"


@dataclass(frozen=True)
class Point:
    """The links as they stood at a moment."""

    at: datetime
    contacts: int
    linked: int
    to_decide: int


@dataclass(frozen=True)
class Changes:
    """What the last build changed, and how the links stood before."""

    is_first: bool
    """Whether there was no build before that could be compared with."""
    before_at: datetime | None
    """The last build before that changed anything."""
    counts: dict[str, int]
    """Contacts by `link_changes.change`, in the last build."""
    moved: list[Row]
    moved_count: int
    points: list[Point]

    @property
    def is_by_month(self) -> bool:
        """Whether the points are a month apart."""
        return len(self.points) > 1 and self.points[-1].at - self.points[0].at > _MONTHS_FROM


def read(published: Published, now: datetime) -> Changes | None:
    """Read the changes; None where no history is kept."""
    if not published.has("marts.link_changes", HISTORY):
        return None
    rows = published.rows("""
        select change, count(*) as contacts from marts.link_changes
        where in_last_build group by change order by change
    """)
    found = {row["change"]: row["contacts"] for row in rows}
    counts = {each: found.pop(each) for each in ORDER if each in found} | found
    before = published.row("""
        select epoch_us(max(changed_at)) as changed_at
        from marts.link_changes where not in_last_build
    """)["changed_at"]
    return Changes(
        is_first=before is None,
        before_at=moment(before),
        counts=counts,
        moved=_moved(published) if before is not None else [],
        moved_count=sum(counts.get(each, 0) for each in ("other company", "company lost")),
        points=_points(published, now),
    )


def _moved(published: Published) -> list[Row]:
    if not published.has("marts.contacts", "marts.companies"):
        return []
    return published.rows(f"""
        with changes as (
            select * from marts.link_changes
            where in_last_build and change in ('other company', 'company lost')
            order by change desc, contact_id
            limit {SHOWN}
        )
        select
            changes.contact_id,
            coalesce(
                contacts.full_name,
                nullif(trim(concat_ws(' ', contacts.first_name, contacts.last_name)), ''),
                contacts.organisation
            ) as contact_name,
            changes.change,
            changes.previous_company_id,
            coalesce(previous.company_name, changes.previous_company_id) as previous_company,
            changes.company_id,
            coalesce(companies.company_name, changes.company_id) as company,
            string_split(changes.previous_reasons, '; ') as previous_reasons,
            string_split(changes.reasons, '; ') as reasons
        from changes
        left join marts.contacts as contacts on changes.contact_id = contacts.contact_id
        left join marts.companies as previous
            on changes.previous_company_id = previous.company_id
        left join marts.companies as companies on changes.company_id = companies.company_id
        order by changes.change desc, changes.contact_id
    """)  # noqa: S608 - a number of ours


def _points(published: Published, now: datetime) -> list[Point]:
    """Return how the links stood at the end of each month, or of each day of a short history."""
    first = moment(
        published.row(f"select epoch_us(min(dbt_valid_from)) as first from {HISTORY}")["first"]  # noqa: S608
    )
    if first is None:
        return []
    moments = [now]
    step = _month_before if now - first > _MONTHS_FROM else _day_before
    while len(moments) < _POINTS and (earlier := step(moments[-1])) >= first:
        moments.append(earlier)
    return [_point(published, at) for at in reversed(moments)]


def _month_before(at: datetime) -> datetime:
    """Return the end of the month before."""
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)


def _day_before(at: datetime) -> datetime:
    """Return the end of the day before."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)


def _point(published: Published, at: datetime) -> Point:
    row = published.row(
        f"""
        select
            count(*) as contacts,
            count(*) filter (where status in ('auto', 'forced')) as linked,
            count(*) filter (where status = 'review') as to_decide
        from {HISTORY}
        where dbt_valid_from <= $1 and (dbt_valid_to is null or dbt_valid_to > $1)
        """,  # noqa: S608 - one of ours
        [at.astimezone(timezone.utc).replace(tzinfo=None)],
    )
    return Point(at, row["contacts"], row["linked"], row["to_decide"])
