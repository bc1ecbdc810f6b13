"""The page about webhooks tells every option and column, and shows commands that are understood."""

from __future__ import annotations

import json
import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest

from kananas_webhooks.cli import main, parser
from kananas_webhooks.payload import MAX_DEPTH
from kananas_webhooks.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def _block(name: str) -> str:
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


@pytest.mark.parametrize("command", ["serve", "url"])
def test_every_option_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    rows = dict(re.findall(r"^\| `(--[a-z-]+)`[^|]*\|[^|]*\|([^|]*)\|$", PAGE, re.MULTILINE))
    options = set(re.findall(r"(--[a-z][a-z-]+)", said)) - {"--help"}
    assert options <= rows.keys()
    for option in options:
        default = re.search(rf"{option} [A-Z_]+ [^-]*?\(default: ([^)]*)\)", said)
        if default is not None:
            assert rows[option].replace(",", "").strip(" `") == default[1], option


def test_every_column_of_the_store_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "events.sqlite")
    connection = store._connection  # noqa: SLF001 - the table is what the page describes
    assert connection is not None
    columns = [row[1] for row in connection.execute("pragma table_info(events)")]
    store.close()
    assert all(f"\n| `{column}` |" in PAGE for column in columns)
    assert f"deeper than {MAX_DEPTH} levels" in PAGE


def test_the_unit_runs_a_command_that_is_understood() -> None:
    unit = ConfigParser(interpolation=None, strict=True)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # systemd minds case
    unit.read_string(_block("kananas-webhooks.service"))
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program == "%h/kananas-kizen-elt/.venv/bin/kananas-webhooks"
    assert parser().parse_args(words).run == "refresh"
    assert unit["Service"]["Restart"] == "always"


def test_the_container_runs_a_command_that_is_understood() -> None:
    text = _block("Containerfile")
    (command,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    program, *words = json.loads(command)
    assert program == "kananas-webhooks"
    assert str(parser().parse_args(words).folder) == "/data"
    root = Path(__file__).parents[2]
    for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE):
        assert all((root / source).exists() for source in line.split()[:-1])
