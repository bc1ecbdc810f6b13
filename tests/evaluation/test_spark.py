"""What `make spark` tells; it itself needs an environment of its own, and minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation import spark
from evaluation.processes import Usage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_memory_told_of_spark_is_not_taken_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def dbt(*_: Any, **__: Any) -> Usage:
        return Usage(60, 100, 200_000_000)

    monkeypatch.setattr(spark, "dbt", dbt)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    spark.build_on_spark([], tmp_path, {})
    told = "Spark: 60.0 s, at most 200 MB in Python, and what Java had besides\n"
    assert capsys.readouterr().out == told
