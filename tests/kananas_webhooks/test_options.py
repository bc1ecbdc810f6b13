"""Options that are empty, or wrong, are told by name, and nothing is opened or made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kananas_webhooks.cli import WRONG_USAGE, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["host", "port", "folder", "proxy", "project", "max-body"])
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_option_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["serve", f"--{name}={value}"])
    assert end.value.code == WRONG_USAGE
    variable = f"KANANAS_WEBHOOKS_{name.upper().replace('-', '_')}"
    line = f"--{name}: is empty: name one, or leave it and {variable} out\n"
    assert capsys.readouterr().err.endswith(line)
    assert not list(tmp_path.iterdir())


def test_a_blank_variable_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KANANAS_WEBHOOKS_BASE_URL", " ")
    with pytest.raises(SystemExit) as end:
        main(["url"])
    assert end.value.code == WRONG_USAGE
    assert "--base-url: is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--port=x", "argument --port: invalid int value: 'x'"),
        ("--allow=,", "--allow names no network: ','"),
        ("--allow=nowhere", "--allow: 'nowhere' does not appear to be"),
        ("--quiet=-1", "--quiet is -1.0: use 0 or more"),
    ],
)
def test_a_wrong_option_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: object = main(["serve", option])
    except SystemExit as end:
        code = end.code
    assert code == WRONG_USAGE
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_empty_list_of_networks_allows_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KANANAS_WEBHOOKS_ALLOW", "")
    assert main(["serve", "--allow=", "--run=", "--quiet=-1"]) == WRONG_USAGE
    assert capsys.readouterr().err == "kananas-webhooks: --quiet is -1.0: use 0 or more\n"
