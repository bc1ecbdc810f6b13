"""The copy of the checkout that the end-to-end tests share."""

from __future__ import annotations

import pytest

from tests.e2e.checkout import Checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A fresh copy with nothing installed."""
    return Checkout(tmp_path_factory.mktemp("e2e") / "a checkout")


@pytest.fixture(scope="session")
def installed(checkout: Checkout) -> Checkout:
    """The copy, set up."""
    ended = checkout.run(*checkout.make("setup"))
    assert ended.code == 0, ended.said
    return checkout
