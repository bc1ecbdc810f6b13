"""The copy of the checkout that the end-to-end tests share, and a run in it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox.server import running
from tests.e2e.checkout import Checkout, empty_folder
from tests.e2e.installation import OPEN_FILES, GoodRun, Installation
from tests.refresh.servers import http
from tests.servers import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.refresh.servers import Heard


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A fresh copy with nothing installed."""
    return Checkout(tmp_path_factory.mktemp("e2e") / "a checkout")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_folder(tmp_path_factory)


@pytest.fixture(scope="session")
def installed(checkout: Checkout) -> Checkout:
    """The copy, set up."""
    ended = checkout.run(*checkout.make("setup"))
    assert ended.code == 0, ended.said
    return checkout


@pytest.fixture
def hook() -> Iterator[Heard]:
    with http() as heard:
        yield heard


@pytest.fixture
def installation(installed: Checkout, sandbox: Sandbox, folder: Path, hook: Heard) -> Installation:
    return Installation(installed, sandbox, folder, hook)


@pytest.fixture(scope="session")
def good_run(installed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> GoodRun:
    """A run that several tests go on from; `after_a_good_run` is where they find it."""
    folder = empty_folder(tmp_path_factory)
    bodies_before = installed.bodies()
    with running(SMALL) as server, http() as heard:
        ended = Installation(installed, server, folder, heard).run_as_cron_does(
            PARQUET_URL=str(folder / OPEN_FILES)
        )
        left = tmp_path_factory.mktemp("good run") / "left"
        shutil.copytree(folder, left, symlinks=True)
        asked = [each.path for each in server.requests]
        bodies = installed.bodies() - bodies_before
        return GoodRun(ended, asked, heard.paths, left, bodies)


@pytest.fixture
def after_a_good_run(good_run: GoodRun, installation: Installation) -> Installation:
    """An installation in which one run came to its end."""
    assert good_run.ended.code == 0, good_run.ended.said
    shutil.copytree(good_run.left, installation.folder, symlinks=True, dirs_exist_ok=True)
    return installation
