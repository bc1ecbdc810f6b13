"""How the tests are shared out among processes, where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import pytest

# Tests that share a checkout or a parsed project run in one process, one after the other.
ONE_PROCESS_EACH = ("tests/e2e", "tests/dbt_project")


def longest_first(items: list[pytest.Item]) -> None:
    """Let the folders that one process goes through begin before all files that any can take."""
    items.sort(key=lambda item: not item.nodeid.startswith(ONE_PROCESS_EACH))


class LoadFolderScheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file to a process, save for the folders of which all files share something costly."""

    def _split_scope(self, nodeid: str) -> str:
        """Give the name of what stays together."""
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in ONE_PROCESS_EACH if file.startswith(folder)), file)
