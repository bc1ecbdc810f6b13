"""`refresh status`: the last runs, what waits for a decision, and what is stale."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb

from refresh.alerts import Alerts
from refresh.history import History, Run, told_changes
from refresh.lock import LOCK, STEPS_LOCK, holders
from refresh.run import ALERTS
from target_duckdb.extensions import copy_name

if TYPE_CHECKING:
    from pathlib import Path

    from refresh.settings import Settings

RUNS = 5
KILLED = "was killed"
#: What `row_count` of `marts.freshness` counts.
_COUNTED = {"kananas": "contacts", "kizen": "companies"}

_WAITING = "select count(*) from marts.link_review_queue"
_FRESHNESS = """
select source, state, row_count, strftime(loaded_at, '%Y-%m-%dT%H:%M:%SZ'),
    strftime(stale_since, '%Y-%m-%dT%H:%M:%SZ')
from marts.freshness order by source
"""


def lines(settings: Settings) -> list[str]:
    """Return what there is to say, a line each."""
    runs = History(settings.runs_path).runs()
    found = [f"Runs of {settings.environment}, the newest first ({settings.runs_path}):"]
    for run in reversed(runs[-RUNS:]):
        found += _run(run, _without_end(settings.folder, is_newest=run is runs[-1]))
    if not runs:
        found.append("  none yet: `make refresh` starts one")
    failing = Alerts.read(settings.folder / ALERTS).failing
    found += ["", "What fails:"]
    found += [
        f"  {step}, since {fact['since']}: {fact['error']}" for step, fact in failing.items()
    ] or ["  nothing"]
    return [*found, "", *_published(settings)]


def _without_end(folder: Path, *, is_newest: bool) -> str:
    """Return how it stands with a run whose end is not written down."""
    if not is_newest:
        return KILLED
    running, left = holders(folder / LOCK), holders(folder / STEPS_LOCK)
    if running is None or left is None:
        return f"goes on, or {KILLED}"
    if running:
        return f"goes on: process {running[0]}"
    if not left:
        return KILLED
    which = ", ".join(map(str, left))
    return f"{KILLED}; process {which} of it still runs, and the next run ends it"


def _run(run: Run, without_end: str) -> list[str]:
    end = run.end or {}
    result = end.get("result") or without_end
    seconds = f", {end['seconds']} s" if end.get("seconds") is not None else ""
    # That of a run without a step, as of a wrong setting, stands nowhere else.
    why = f": {end['error']}" if end.get("error") and not run.steps else ""
    lines = [f"  {run.started_at}  {result}{seconds}{why}"]
    for step in run.steps:
        rows = f"{step['rows_loaded']:,} rows" if isinstance(step.get("rows_loaded"), int) else ""
        error = step.get("error") or step.get("built") or told_changes(step)
        text = (
            f"    {step.get('step', ''):<10} {step.get('result', ''):<11} "
            f"{step.get('seconds', 0):>7} s  {rows:>12}  {error}"
        )
        lines.append(text.rstrip())
    return lines


def _published(settings: Settings) -> list[str]:
    """Return what the published copy says: a reader waits for nobody there."""
    copy = settings.published / copy_name(settings.database)
    if not copy.is_file():
        return [f"Nothing is published yet ({copy})."]
    try:
        with closing(duckdb.connect(str(copy), read_only=True)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            waiting = connection.execute(_WAITING).fetchone()
            sources = connection.execute(_FRESHNESS).fetchall()
    except duckdb.Error as error:
        return [f"The published copy {copy} does not say: {str(error).splitlines()[0]}"]
    count = waiting[0] if waiting else 0
    found = [f"Waiting for a decision: {count:,} (`make review`)", "Sources:"]
    for source, state, rows, loaded_at, stale_since in sources:
        since = f", stale since {stale_since}" if stale_since else ""
        counted = f"{rows:>12,} {_COUNTED.get(source, 'rows')}"
        found.append(f"  {source:<10} {state:<7} {counted}, loaded {loaded_at}{since}")
    return found
