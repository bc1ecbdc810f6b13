"""What the check of Spark's plans finds; `make spark` itself needs an environment of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evaluation.spark_plans import Finding, findings

if TYPE_CHECKING:
    from pathlib import Path

ADAPTED = "org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate"


def node(name: str, *children: dict[str, Any], text: str = "") -> dict[str, Any]:
    return {"nodeName": name, "simpleString": text or name, "children": list(children)}


def scan(table: str) -> dict[str, Any]:
    name = f"Scan parquet spark_catalog.{table}"
    return node(name, text=f"FileScan parquet spark_catalog.{table}[a#1] Batched: true")


ROWS = scan("staging.stg_kananas__contacts")
SEED = scan("seeds.link_levels")
COUNTED = node("HashAggregate", ROWS, text="HashAggregate(keys=[], functions=[count(1)])")
CROSSED = "BroadcastNestedLoopJoin BuildRight, Cross"
GATHERED = "Exchange SinglePartition, ENSURE_REQUIREMENTS, [plan_id=1]"


@pytest.mark.parametrize(
    ("plan", "operation"),
    [
        (node("BroadcastNestedLoopJoin", ROWS, ROWS, text=CROSSED), CROSSED),
        (node("CartesianProduct", ROWS, node("Filter", ROWS)), "CartesianProduct"),
        (node("BroadcastNestedLoopJoin", ROWS, SEED, text=CROSSED), None),
        (node("BroadcastNestedLoopJoin", ROWS, COUNTED, text=CROSSED), None),
        (node("Window", node("Sort", node("Exchange", ROWS, text=GATHERED))), GATHERED),
        (node("Exchange", COUNTED, text=GATHERED), None),
        (node("Exchange", ROWS, text="Exchange hashpartitioning(a#1, 8)"), None),
    ],
)
def test_what_one_node_does_alone_is_found(
    tmp_path: Path, plan: dict[str, Any], operation: str | None
) -> None:
    place = "Execute InsertIntoHadoopFsRelationCommand"
    text = f"{place} file:/w/marts.db/people, false, Parquet"
    written = node(place, node("AdaptiveSparkPlan", plan), text=text)
    folder = tmp_path / "eventlog_v2_app-1"
    folder.mkdir()
    lines = [
        {"Event": "SparkListenerApplicationStart"},
        # The last plan of a statement counts: the one that ran to its end.
        {"Event": ADAPTED, "executionId": 1, "sparkPlanInfo": node("CartesianProduct", ROWS, ROWS)},
        {"Event": ADAPTED, "executionId": 1, "sparkPlanInfo": written},
    ]
    (folder / "events_1_app-1").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert findings(tmp_path) == ([Finding("marts.people", operation)] if operation else [])
