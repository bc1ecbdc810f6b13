"""The pages find what the runs write, wherever `.env` puts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.decisions.file import default_path as decisions_path
from console.decisions.file import output_folder
from console.published import default_path as copy_path
from console.review.cli import parser
from evaluation.building import own_variables
from evaluation.learn import default_output

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OWN = """
MELTANO_ENVIRONMENT=dev
DUCKDB_PATH=/data/own.duckdb
DUCKDB_DECISIONS_PATH='/data/it is.jsonl'
DUCKDB_LINK_LEVELS_PATH=/data/own.csv
REVIEW_AUTHOR=Ida
"""


def test_a_line_of_env_counts_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DUCKDB_PATH", "DUCKDB_PUBLISH_DIR", "DUCKDB_DECISIONS_PATH", "REVIEW_AUTHOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MELTANO_ENVIRONMENT", "MELTANO_PROJECT_ROOT", "DUCKDB_LINK_LEVELS_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert str(copy_path(output_folder())) == "output/dev/published/own.duckdb"
    assert str(decisions_path()) == "/data/it is.jsonl"
    assert str(default_output()) == "/data/own.csv"
    given = parser().parse_args([])
    assert (str(given.db), given.author) == ("output/dev/published/own.duckdb", "Ida")
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "prod")
    assert str(copy_path(output_folder())) == "output/prod/published/own.duckdb"


def test_what_an_account_learns_has_the_variables_of_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUCKDB_VARS_PATH", raising=False)
    own = tmp_path / "own.yml"
    own.write_text("link_margin: 9\n", encoding="utf-8")
    (tmp_path / ".env").write_text(f"DUCKDB_VARS_PATH={own}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert own_variables() == {"link_margin": 9}
