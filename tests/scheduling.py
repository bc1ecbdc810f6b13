"""How the tests are shared out among processes, where there are several."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# Tests that share a checkout or a parsed project run in one process, one after the other.
ONE_PROCESS_EACH = ("tests/e2e", "tests/dbt_project")


class LoadFolderScheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file to a process, save for the folders of which all files share something costly."""

    def _split_scope(self, nodeid: str) -> str:
        """Give the name of what stays together."""
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in ONE_PROCESS_EACH if file.startswith(folder)), file)
