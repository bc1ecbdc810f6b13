"""`meltano config test tap-kananas`: what the tap itself says is one line of plain words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox.server import Options, running
from tests.e2e.checkout import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.checkout import Checkout


@contextmanager
def own_words(checkout: Checkout, folder: Path) -> Iterator[Path]:
    """Let each process of the tap write its standard error to a file of its own.

    Meltano mixes it with its own words, and shows it only when it is talkative itself, which
    then makes the tap talkative too.
    """
    program = checkout.path / ".meltano/extractors/tap-kananas/venv/bin/tap-kananas"
    aside = program.with_name("tap-kananas-aside")
    program.rename(aside)
    try:
        program.write_text(f'#!/bin/sh\nexec "{aside}" "$@" 2> "{folder}/$$.words"\n')
        program.chmod(0o755)
        yield folder
    finally:
        aside.replace(program)


@pytest.mark.parametrize(
    ("case", "processes", "words"),
    [
        ("success", 2, "columns found at 'contacts', key id"),
        ("empty", 2, "contacts: 0 records found: the list is empty"),
        ("wrong key", 1, "check setting 'secret_key' (TAP_KANANAS_SECRET_KEY)"),
        ("no network", 1, "no connection to 127.0.0.1"),
    ],
)
def test_one_line_and_nothing_else(
    installed: Checkout, tmp_path: Path, case: str, processes: int, words: str
) -> None:
    with running(Options(contacts=0 if case == "empty" else 30, companies=5)) as server:
        settings = dict(settings_for(server))
        test = installed.meltano("config", "test", "tap-kananas")
        if case == "wrong key":
            settings["TAP_KANANAS_SECRET_KEY"] = "not-the-right-one"
        if case != "no network":
            with own_words(installed, tmp_path):
                installed.run(*test, **settings)
    if case == "no network":
        settings["TAP_KANANAS_REQUEST_TRIES"] = "2"
        with own_words(installed, tmp_path):
            installed.run(*test, **settings)
    said = [file.read_text() for file in tmp_path.glob("*.words")]
    assert len(said) == processes
    for text in said:
        assert len(text.splitlines()) == 1, text
        assert words in text
        assert text.startswith(("contacts: ", "no connection"))
        assert "not-the-right-one" not in text
