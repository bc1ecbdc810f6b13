"""Where the settings of programs come from, and which of them wins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from console import published, settings
from console.audit.cli import main as audit
from console.decisions.cli import main as decisions
from console.export import main as export
from console.review.cli import main as review

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
LAKE = f"ducklake:sqlite:{ROOT}/output/lake/catalog.sqlite"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DUCKDB_PATH", "DUCKDB_DATA_PATH", "DUCKDB_PUBLISH_DIR", "MELTANO_ENVIRONMENT",
        "MELTANO_PROJECT_ROOT",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def test_a_word_says_where_tables_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "DUCKDB_PATH" not in settings.variables(ROOT)
    assert "DUCKDB_PATH" not in settings.variables(ROOT, "file")
    assert settings.variables(ROOT, "spark")["DUCKDB_ENGINE"] == "spark"
    assert settings.variables(ROOT, "lake")["DUCKDB_PATH"] == LAKE
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "lake")
    found = settings.variables()
    assert found["DUCKDB_PATH"] == LAKE
    assert found["DUCKDB_DATA_PATH"] == f"{ROOT}/output/lake/data"
    assert published.default_path(Path("x")) == Path("x", "published", "lake.duckdb")


def test_what_is_nearer_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meltano.yml").write_text(
        (ROOT / "meltano.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / ".env").write_text("MELTANO_ENVIRONMENT=lake\nDUCKDB_PATH=of_file\n")
    found = settings.variables(tmp_path)
    assert found["DUCKDB_PATH"] == "of_file"
    assert found["DUCKDB_DATA_PATH"] == f"{tmp_path}/output/lake/data"
    monkeypatch.setenv("DUCKDB_PATH", "of_shell")
    assert settings.variables(tmp_path)["DUCKDB_PATH"] == "of_shell"
    # Meltano has told all that it knows.
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    assert "DUCKDB_DATA_PATH" not in settings.variables(tmp_path)


@pytest.mark.parametrize("program", [audit, decisions, export, review])
def test_an_env_file_of_another_encoding_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: Callable[[Sequence[str]], int],
) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\n# caf\xe9\n")
    monkeypatch.chdir(tmp_path)
    assert program(["export"] if program is decisions else []) == 2
    assert (
        capsys.readouterr().err == "cannot read .env: line 2 is no UTF-8: save the file as UTF-8\n"
    )
