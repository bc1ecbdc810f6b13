"""The run itself: what dbt built, how long it took, and what it warned of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.report.moments import moment

if TYPE_CHECKING:
    from pathlib import Path

    from console.published import Published

_SLOWEST = 10
_PAST = 10
_SAME_RUN = timedelta(minutes=1)


@dataclass(frozen=True)
class Step:
    """One model, seed, snapshot or test of dbt."""

    kind: str
    name: str
    seconds: float
    status: str
    message: str


@dataclass(frozen=True)
class Run:
    """One run of dbt."""

    version: str
    started_at: datetime
    seconds: float
    counts: dict[str, int]
    """Steps by kind."""
    slowest: list[Step]
    complaints: list[Step]
    """Steps that warned or failed."""


@dataclass(frozen=True)
class Past:
    """One run of `refresh`, as far as it had come when the tables were made.

    Attributes:
        rows: Those that were read; None where the run read no source.
        inserted: Those of them that were new; None where the loader did not say so, also below.
        updated: Those that replaced a row of the same key.
        deleted: Rows that the sources no longer have.
        failed: The steps that did not work.
    """

    started_at: datetime | None
    rows: int | None
    inserted: int | None
    updated: int | None
    deleted: int | None
    seconds: float | None
    failed: str


def read_past(published: Published) -> list[Past]:
    """Read the last runs, the newest first."""
    if not published.has("marts.run_steps"):
        return []
    # A copy that an earlier version published has none of them.
    changes = [
        f"sum({name})::bigint" if name in published.columns["marts.run_steps"] else "null::bigint"
        for name in ("rows_inserted", "rows_updated", "rows_deleted")
    ]
    rows = published.rows(
        f"""
        select
            epoch_us(min(started_at)) as started_at,
            sum(seconds) as seconds,
            sum(rows_loaded)::bigint as rows_loaded,
            {changes[0]} as rows_inserted,
            {changes[1]} as rows_updated,
            {changes[2]} as rows_deleted,
            coalesce(string_agg(step, ', ' order by started_at)
                filter (where result in ('failed', 'interrupted')), '') as failed
        from marts.run_steps
        group by run_id
        order by 1 desc
        limit ?
        """,  # noqa: S608 - names of columns
        [_PAST],
    )
    return [
        Past(
            moment(row["started_at"]),
            row["rows_loaded"],
            row["rows_inserted"],
            row["rows_updated"],
            row["rows_deleted"],
            row["seconds"],
            row["failed"],
        )
        for row in rows
    ]


def read(folder: Path | None, built_at: datetime | None) -> Run | None:
    """Read what dbt says of its last run.

    Args:
        folder: Where dbt leaves `run_results.json`.
        built_at: When the build of the published copy began. A run of another time is of another
            database, or failed before anything was published.
    """
    if folder is None or built_at is None:
        return None
    try:
        found: dict[str, Any] = json.loads((folder / "run_results.json").read_text("utf-8"))
        metadata = found["metadata"]
        started_at = datetime.fromisoformat(
            metadata["invocation_started_at"].replace("Z", "+00:00")
        )
        steps = [_step(result) for result in found["results"]]
        run = Run(
            version=metadata["dbt_version"],
            started_at=started_at,
            seconds=float(found["elapsed_time"]),
            counts=_counts(steps),
            slowest=sorted(steps, key=lambda step: -step.seconds)[:_SLOWEST],
            complaints=[step for step in steps if step.status in {"warn", "fail", "error"}],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return run if abs(started_at - built_at) < _SAME_RUN else None


def _step(result: dict[str, Any]) -> Step:
    kind, _, name = result["unique_id"].split(".", 2)
    status = result["status"]
    # A warning counts rows; what is said of a failure may show values of records.
    message = (result["message"] or "") if status == "warn" else status
    return Step(kind, name, float(result["execution_time"]), status, message)


def _counts(steps: list[Step]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.kind] = counts.get(step.kind, 0) + 1
    return counts
