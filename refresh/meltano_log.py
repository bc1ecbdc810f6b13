"""What Meltano and its plugins say while a step runs: rows, and what went wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from refresh.history import CHANGES

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TIME_OF_DBT = re.compile(r"^\d\d:\d\d:\d\d\s+")
#: dbt names the model or the test in one line; the next ones may show values of records.
_OF_DBT = re.compile(
    r"^(?:(?:Failure|Error|Warning|[A-Z]\w+ Error) in .+?|\w[\w ]* Error)(?= \(|$)"
)
_NOISE = re.compile(
    r"ResourceWarning|^METRIC|^Summary: |^Traceback |^  |^\[CallbackOnExceptionContext|"
    r"records read|records so far|^Reader '|Encountered an error:?$"
)
_STDERR = re.compile(r"returned -?\d+ with stderr:\s*(.*)", re.DOTALL)
_PLUGINS = ("tap-", "target-", "dbt", "publish", "parquet", "report")
_BAD = {"error", "critical"}
_WAITS = re.compile(r"\bWaiting for the database file\b")
#: What dbt-wait says of what it builds.
_BUILT = re.compile(r"^dbt-wait: ((?:Nothing|A part|Everything) is built: .+)$")
BUSY = "already running"
_BUSY_SINCE = re.compile(rf"{BUSY} which started at (\d{{4}}-\d\d-\d\d) (\d\d:\d\d:\d\d)")


@dataclass
class OutputParser:
    """Reads the output of a program, line by line.

    Attributes:
        rows: How many the loader took, by stream.
        changes: How many rows of which stream, by each of `CHANGES`: the loader's metrics.
        is_busy: Whether Meltano refused, since the same tap and loader run already.
        busy_since: Since when they run, ISO 8601 in UTC; empty where it does not say.
        waits: Its last line that says that it waits for the DuckDB file.
        built: Its line that says what dbt builds, and why.
    """

    rows: Counter[str] = field(default_factory=Counter)
    changes: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in CHANGES}
    )
    is_busy: bool = False
    busy_since: str = ""
    waits: str = ""
    built: str = ""
    _bad: str = ""
    _of_dbt: str = ""
    _last: str = ""
    _of_block: str = ""
    _of_meltano: str = ""

    def take(self, line: str) -> str:
        """Read a line; return it as the log has it, without colours."""
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("event"), str):
            plain = _plain(line)
            self._take_event("", "info", plain)
            return plain
        level, name = str(value.get("level", "info")), str(value.get("name", "meltano"))
        event = _plain(value["event"])
        metric = value.get("metric_info")
        if isinstance(metric, dict):
            event = self._take_metric(metric)
        elif name.startswith(_PLUGINS):
            self._take_event(name, level, event)
        else:
            self._take_meltano(event, value)
        words = f"{event}: {value['err']}" if value.get("err") else event
        return f"{value.get('timestamp', '')} [{level}] {name}: {_plain(words)}"

    def streams(self) -> list[str]:
        """Return the names of all streams of which rows were loaded or changed, in order."""
        return sorted({*self.rows, *(stream for of in self.changes.values() for stream in of)})

    def _take_metric(self, metric: dict[str, Any]) -> str:
        """Count the rows of a stream; return the line with the stream's name."""
        tags = metric.get("tags")
        stream = str(tags.get("stream", "")) if isinstance(tags, dict) else ""
        name, value = metric.get("metric"), metric.get("value")
        if name == "record_count" and isinstance(value, int):
            self.rows[stream] += value
        elif name in self.changes and isinstance(value, int):
            self.changes[name][stream] += value
        return f"METRIC {name} {stream} {value}"

    def _take_meltano(self, event: str, value: dict[str, Any]) -> None:
        self._take_busy(f"{event} {value.get('err')}")
        if value.get("success") is False and value.get("err"):
            self._of_block = str(value["err"])
        elif value.get("level") in _BAD and "success" not in value:
            self._of_meltano = self._of_meltano or event.removeprefix("Error: ").partition("\n")[0]

    def _take_event(self, name: str, level: str, event: str) -> None:
        if not name:
            self._take_busy(event)
        if name == "dbt" or not name:
            found = _OF_DBT.match(_TIME_OF_DBT.sub("", event))
            if found and not found[0].startswith("Warning"):
                self._of_dbt = self._of_dbt or found[0]
        if _WAITS.search(event):
            self.waits = event
        if built := _BUILT.match(event):
            self.built = built[1]
        if not event.strip() or _NOISE.search(event):
            return
        if level in _BAD:
            self._bad = self._bad or event
        elif not (name == "dbt" and _TIME_OF_DBT.match(event)):
            self._last = event

    def _take_busy(self, words: str) -> None:
        self.is_busy = self.is_busy or BUSY in words
        if found := _BUSY_SINCE.search(words):
            self.busy_since = f"{found[1]}T{found[2]}Z"

    def error(self) -> str:
        """Return the first line that says what went wrong; empty where none does."""
        return (
            self._bad
            or self._of_dbt
            or _of_block(self._of_block)
            or self._of_meltano
            or self._last
            or self._of_block.partition("\n")[0]
        )


def _of_block(text: str) -> str:
    """Return what a program said before it ended, which Meltano repeats as a whole."""
    found = _STDERR.search(text)
    for line in (found[1] if found else "").splitlines():
        event = line.strip()
        if event.startswith("{"):
            try:
                event = str(json.loads(event)["message"])
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        if event and not _NOISE.search(event):
            return event
    return ""


def _plain(text: str) -> str:
    # dbt's colours come with their first sign already gone.
    return _COLOUR.sub("", text).replace("[0m", "").rstrip()
