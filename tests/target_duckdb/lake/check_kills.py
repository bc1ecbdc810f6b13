"""Random streams into lakes, by loaders that are killed: nothing is lost, nothing is there twice.

Rounds are those of `make check-faults`. KILLS says how many runs are killed for each kind of
catalog, SEED repeats what another run drew; it is printed first.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.target_duckdb.faults import Content, FaultError, Round, read_by
from tests.target_duckdb.forks import import_all
from tests.target_duckdb.lake import homes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KILLS = int(os.environ.get("KILLS") or 20)
SEED = os.environ["SEED"]
FAULTS = ("killed", "killed", "killed in a commit", "killed in a commit", "told to stop", "cut off")


class LakeRound(Round):
    """A round whose tables are in a lake."""

    kept = ("lake.catalog", "lake.catalog-shm", "lake.catalog-wal", "lake.catalog.wal", "data")
    longest = 5.0

    def __init__(
        self, chance: random.Random, directory: Path, seen: Counter[str], lake: homes.Home
    ) -> None:
        self.lake = lake
        self.data = directory / "data"
        self.files = 0
        super().__init__(chance, directory, seen)

    def home(self) -> dict[str, Any]:
        # Some runs do all upkeep, which is killed as well.
        own = {} if self.chance.random() < 0.5 else {"compact_files": 1, "snapshot_hours": 0}
        return {"path": self.lake.path, "data_path": self.lake.data_path, "lock_timeout": 20, **own}

    def read(self) -> Content:
        stack = ExitStack()

        def opened() -> Any:
            connection = stack.enter_context(self.lake.opened())
            connection.execute("USE lake.main")
            return connection

        return read_by(opened, self.directory / "answer", list(self.load.kinds))

    def is_committing(self) -> bool:
        """Whether there are files of which no commit was seen yet."""
        before = self.files
        self.files = sum(len(names) for _, _, names in os.walk(self.data))
        return self.files > before


@pytest.mark.parametrize("kind", homes.KINDS)
def test_killed_loaders_lose_nothing(
    kind: str, tmp_path: Path, make_home_in: Callable[[str, Path], homes.Home]
) -> None:
    import_all()
    seen: Counter[str] = Counter()
    number = 0
    while sum(count for name, count in seen.items() if "killed" in name) < KILLS:
        chance = random.Random(f"{SEED} {kind} {number}")  # noqa: S311 (rounds can be repeated)
        directory = tmp_path / str(number)
        directory.mkdir()
        faults = chance.choices(FAULTS, k=chance.randrange(2, 6))
        try:
            LakeRound(chance, directory, seen, make_home_in(kind, directory)).run(faults)
        except FaultError as error:
            pytest.fail(f"round {number} of {kind}, SEED={SEED}: {', '.join(faults)}: {error}")
        shutil.rmtree(directory)
        number += 1
    assert any(name.endswith("interrupted") for name in seen)
