"""The page about the sandbox tells every option, and every default as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.cli import main
from sandbox.kananas.corrupted_responses import LIES
from sandbox.kananas.envelopes import ENVELOPES
from sandbox.kananas.webhooks import FORMS
from sandbox.shares import ShareOption, share_options

_PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_option_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z][a-z-]+[a-z]", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"--[a-z][a-z-]+[a-z]", _PAGE))


@pytest.mark.parametrize("option", share_options(), ids=lambda option: option.name)
def test_every_share_s_default_is_told(option: ShareOption) -> None:
    name, default = option.name.replace("_", "-"), option.default
    row = re.search(rf"\| `--share-{name}` \|[^|]*\| ([\d.]+) % \|", _PAGE)
    assert row
    assert float(row[1]) == pytest.approx(default * 100)


@pytest.mark.parametrize("name", [*ENVELOPES, *LIES, *FORMS])
def test_every_envelope_lie_and_form_is_told(name: str) -> None:
    assert f"\n| `{name}` |" in _PAGE
