"""A warehouse of its own in the shared checkout, and a first run that tests go on from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from refresh.history import History
from tests.e2e.checkout import ROOT, settings_for

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout, Ended
    from tests.refresh.servers import Heard

FIELD = re.compile(r"^(\*|[0-9]+(-[0-9]+)?)(/[0-9]+)?(,[0-9]+)*$")
HOME_OF_CHECKOUT = "kananas-kizen-elt"
OPEN_FILES = "open files"
COUNT = "select count(*) from {table} where _sdc_deleted_at is null"


def block_of_operations(name: str) -> str:
    """Return the code block of docs/operations.md that follows a mark."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", page, re.DOTALL)
    assert found, name
    return found[1]


def crontab_command() -> str:
    """Return the command of the crontab line, as cron hands it to the shell."""
    (line,) = block_of_operations("crontab").splitlines()
    *fields, command = line.split(maxsplit=5)
    assert all(FIELD.match(field) for field in fields)
    assert "%" not in command  # cron would end the line there
    return command


@dataclass(frozen=True)
class GoodRun:
    """A first run to its end, by cron: what it said and asked for, whom it told, what it left.

    `bodies` are the responses that its discovery has left and nobody has taken.
    """

    ended: Ended
    asked: list[str]
    told: list[str]
    left: Path
    bodies: set[Path]


class Installation:
    """A warehouse of its own in the checkout, and who is told."""

    def __init__(self, checkout: Checkout, server: Sandbox, folder: Path, hook: Heard) -> None:
        self.checkout = checkout
        self.folder = folder
        self.hook = hook
        self.database = folder / "data" / "warehouse.duckdb"
        self.published = folder / "published" / "warehouse.duckdb"
        self.settings = {
            **settings_for(server),
            "DUCKDB_PATH": str(self.database),
            "DUCKDB_PUBLISH_DIR": str(self.published.parent),
            "DUCKDB_RUNS_PATH": str(folder / "runs" / "runs.jsonl"),
            # What is killed counts as running for all of a project.
            "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
            "REFRESH_WEBHOOK_URL": f"{hook.url}/T0/B0SECRET",
            "REFRESH_PING_URL": f"{hook.url}/ping",
        }

    @property
    def program(self) -> str:
        return str(self.checkout.path / ".venv" / "bin" / "refresh")

    @property
    def history(self) -> History:
        return History(self.folder / "runs" / "runs.jsonl")

    @property
    def events(self) -> list[tuple[str, list[str]]]:
        return [
            (body["event"], [each["step"] for each in body["steps"]]) for body in self.hook.bodies
        ]

    def run_as_cron_does(self, **settings: str) -> Ended:
        """Run the crontab line, in a home with the checkout where README.md puts it."""
        (self.folder / HOME_OF_CHECKOUT).symlink_to(self.checkout.path)
        given = {
            **self.settings,
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",  # what cron gives
            # No more of a locale than there must be.
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            # What uv has downloaded, and where from: the first run installs `parquet`.
            "XDG_CACHE_HOME": str(Path.home() / ".cache"),
            "XDG_CONFIG_HOME": str(Path.home() / ".config"),
        }
        return self.checkout.run("sh", "-c", crontab_command(), **{**given, **settings})

    def run(self, *arguments: str, **settings: str) -> Ended:
        return self.checkout.run(self.program, *arguments, **{**self.settings, **settings})

    def results(self) -> dict[str, str]:
        """Return how each step of the last run ended."""
        return {step["step"]: step["result"] for step in self.history.runs()[-1].steps}

    def rows(self, table: str) -> int:
        ((count,),) = self.checkout.rows(self.database, COUNT.format(table=table))
        return int(count)
