"""The copy of the checkout that the end-to-end tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.checkout import Checkout, empty_folder

if TYPE_CHECKING:
    from pathlib import Path


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
