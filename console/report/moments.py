"""Moments as the published copy has them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published


def moment(microseconds: int | None) -> datetime | None:
    """Return a moment from microseconds since 1970, as `epoch_us` gives them."""
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1_000_000, timezone.utc)


def built_at(published: Published) -> datetime | None:
    """Return when dbt began the last build; None where the copy does not say.

    The view `marts.link_changes` has it in its text: it tells what the last build changed.
    """
    query = r"""
        select epoch_us(cast(nullif(regexp_extract(sql,
            '''(\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+\+00:00)''', 1), '') as timestamptz)) as moment
        from duckdb_views()
        where schema_name = 'marts' and view_name = 'link_changes'
    """
    return next((moment(row["moment"]) for row in published.rows(query)), None)
