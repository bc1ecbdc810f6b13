"""How the tests are shared out among processes, where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import pytest

# Files that share a checkout, a parsed project or an evaluation run in one process, one after the
# other: how their paths begin, and what they share.
TOGETHER = {
    "tests/e2e": "a checkout",
    "tests/dbt_project": "a parsed project",
    "tests/evaluation/test_evaluate.py": "an evaluation",
    "tests/evaluation/test_learn.py": "an evaluation",
}
# These share nothing with their folder.
ALONE = {"tests/e2e/test_other_loaders.py"}


def shared_by(file: str) -> str | None:
    """Return what a file shares with others; None for a file that any process can take."""
    if file in ALONE:
        return None
    return next((what for path, what in TOGETHER.items() if file.startswith(path)), None)


def longest_first(items: list[pytest.Item]) -> None:
    """Let what one process goes through begin before all files that any process can take."""
    items.sort(key=lambda item: shared_by(item.nodeid.partition("::")[0]) is None)


class LoadFolderScheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file to a process, save for files that share something costly."""

    def _split_scope(self, nodeid: str) -> str:
        """Give the name of what stays together."""
        file: str = super()._split_scope(nodeid)
        return shared_by(file) or file
