"""The message files of `tests/target_duckdb/peers`, in lakes: their rows are those of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.target_duckdb import test_peers
from tests.target_duckdb.lake import homes
from tests.target_duckdb.test_peers import NAMES, check, content_of, target

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["target"]

REFUSED = {"large_integers"}
"""What no lake holds: integers of 39 digits."""


@pytest.mark.parametrize("kind", homes.KINDS)
@pytest.mark.parametrize("name", sorted(set(NAMES) - REFUSED))
def test_peer(
    name: str,
    kind: str,
    tmp_path: Path,
    target: subprocess.Popen[str],
    make_home: Callable[[str], homes.Home],
) -> None:
    home = make_home(kind)

    def content() -> dict[str, list[dict[str, Any]]]:
        with home.opened() as connection:
            return content_of(connection)

    check(name, tmp_path, target, home.settings, content)


def test_only_what_is_refused_is_left_out() -> None:
    assert set(test_peers.NAMES) > REFUSED
