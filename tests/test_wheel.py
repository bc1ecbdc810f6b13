"""The wheel, installed as a stranger would: what an extra brings is named where it is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
UV = str(ROOT / ".venv" / "bin" / "uv")
COMMANDS = {
    "target-duckdb": "duckdb",
    "duckdb-publish": "duckdb",
    "parquet-publish": "duckdb",
    "sandbox": "sandbox",
    "kananas-webhooks": "webhooks",
    "report": "console",
    "review": "console",
    "python -m target_duckdb": "duckdb",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True)
    (file,) = folder.glob("*.whl")
    return file


def test_the_pages_are_in_it_whole(wheel: Path) -> None:
    """Templates, styles, scripts and catalogues too, which no import would miss."""
    with ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if name.startswith("console/")}
    files = [file for file in (ROOT / "console").rglob("*") if file.is_file()]
    there = {str(file.relative_to(ROOT)) for file in files if file.suffix != ".pyc"}
    assert {Path(name).suffix for name in there} >= {".css", ".html", ".js", ".po", ".py"}
    assert names == there


def install(home: Path, what: str) -> None:
    python = str(home / "bin" / "python")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, what], check=True)


def test_a_missing_extra_is_named(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, home], check=True)
    install(home, str(wheel))

    def run(command: str) -> subprocess.CompletedProcess[str]:
        option = "--version" if command.endswith(("target-duckdb", "target_duckdb")) else "--help"
        name, *arguments = command.split()
        program = [str(home / "bin" / name), *arguments, option]
        return subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert run("tap-kizen").returncode == 0
    assert run("tap-kananas").returncode == 0
    for command, extra in COMMANDS.items():
        ended = run(command)
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert line.endswith(f"is not installed: pip install 'kananas-kizen-elt[{extra}]'")
    install(home, f"{wheel}[console,duckdb,sandbox,webhooks]")
    for command in COMMANDS:
        ended = run(command)
        assert ended.returncode == 0, ended.stderr
