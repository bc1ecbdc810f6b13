"""What in Spark's plans is the work of one node, however many there are, and grows with the data.

Spark writes each plan that it ran, as it was at its end, to its event log.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STARTED = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"
ADAPTED = "org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate"

# Relations that do not grow with the data, and why.
BOUNDED = {
    r"seeds\.\w+": "a file of the project",
    r"intermediate\.int_links__land_lines": "one row",
    r"intermediate\.int_links__levels": "a row per level of a seed",
    r"intermediate\.int_links__name_shares": "one row",
    r"intermediate\.int_samples__\w+": "what people were given to judge, and numbers up to 9,999",
}

# Rows are numbered in at most so many parts, and these are counted one after another.
_PARTS = re.compile(r"\(keys=\[numbered_part#\d+\]")

# What a relation's name is in the location of its files.
_LOCATION = re.compile(r"/(\w+)\.db/(\w+)")
_TABLE = re.compile(r"spark_catalog\.(\w+\.\w+)")


@dataclass(frozen=True)
class Finding:
    """An operation on one node.

    Attributes:
        relation: What was being built, such as `marts.people`.
        operation: What Spark calls it, with its beginning.
    """

    relation: str
    operation: str


def plans(events: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each relation that was built with the plan that built it.

    Args:
        events: Spark's event log: a file, or a folder of parts.
    """
    parts = sorted(events.rglob("*")) if events.is_dir() else [events]
    last: dict[int, Mapping[str, Any]] = {}
    for part in parts:
        if not part.is_file() or part.name.startswith((".", "appstatus")):
            continue
        with part.open(encoding="utf-8") as lines:
            for line in lines:
                if f'"{STARTED}"' in line or f'"{ADAPTED}"' in line:
                    event = json.loads(line)
                    last[event["executionId"]] = event["sparkPlanInfo"]
    for plan in last.values():
        if written := _written(plan):
            yield written, plan


def findings(events: Path) -> list[Finding]:
    """Return what one node does alone, and what grows with the data.

    * A join of each row with each of another relation, of which neither side is bounded.
    * All rows brought together to be sorted or counted one after another: an exchange of one
      partition over what is neither bounded nor counted before.
    """
    return sorted(
        {
            Finding(relation, operation)
            for relation, plan in plans(events)
            for operation in _alone(plan)
        },
        key=lambda finding: (finding.relation, finding.operation),
    )


def _alone(plan: Mapping[str, Any]) -> Iterator[str]:
    name, children = str(plan["nodeName"]), plan["children"]
    text = str(plan["simpleString"])
    is_crossed = name in ("BroadcastNestedLoopJoin", "CartesianProduct")
    is_gathered = name == "Exchange" and "SinglePartition" in text
    if (is_crossed or is_gathered) and not any(map(is_bounded, children)):
        yield text[:200]
    for child in children:
        yield from _alone(child)


def is_bounded(plan: Mapping[str, Any]) -> bool:
    """Return whether a plan has so many rows at most, whatever the data."""
    name, children = str(plan["nodeName"]), plan["children"]
    text = str(plan["simpleString"])
    if name in ("LocalTableScan", "Scan OneRowRelation", "Range", "TakeOrderedAndProject"):
        return True
    if name in ("GlobalLimit", "LocalLimit", "CollectLimit"):
        return True
    if name.endswith("Aggregate") and ("(keys=[]" in text or _PARTS.search(text)):
        return True
    if name.startswith(("Scan", "FileScan")):
        found = _TABLE.search(text) or _TABLE.search(name)
        table = found.group(1) if found else ""
        return any(re.fullmatch(each, table) for each in BOUNDED)
    return bool(children) and all(map(is_bounded, children))


def _written(plan: Mapping[str, Any]) -> str | None:
    text = str(plan["simpleString"])
    if "InsertIntoHadoopFsRelationCommand" in str(plan["nodeName"]) and (
        found := _LOCATION.search(text)
    ):
        return ".".join(found.groups())
    return next(filter(None, map(_written, plan["children"])), None)
