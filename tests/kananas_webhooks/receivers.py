"""The receiver as a process of its own, as it is run; and the way from its store to DuckDB."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from sandbox.server import Sandbox

SECONDS_AT_MOST = 60


class ReceiverProcess:
    """`kananas-webhooks serve` on a free port; ended, whatever happens, with the block."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; nothing runs yet. A prefix is a command that starts the receiver in turn."""
        self.folder = folder
        self._prefix = prefix
        #: The folder of its files, where it is not the one that was named.
        self.found_at = folder
        self.port = 0
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.kill()

    @property
    def store(self) -> Path:
        return self.found_at / "events.sqlite"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def secret(self) -> str:
        return (self.found_at / "secrets").read_text(encoding="utf-8").split()[0]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"{self.base}/hooks/{self.secret}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, on the port of the last time if there was one, and wait until it listens."""
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "kananas_webhooks", "serve", "--folder", str(self.folder)]
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *command, "--port", str(self.port), *self._arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log
        self.port = json.loads(line)["port"]

    def _end(self, kind: signal.Signals) -> int:
        process = self._process
        assert process is not None
        process.send_signal(kind)
        code = process.wait(SECONDS_AT_MOST)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def stop(self) -> int:
        """End it as an operator does, and give its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def send(self, body: bytes | str, content_type: str = "application/json") -> requests.Response:
        headers = {"Content-Type": content_type}
        data = body.encode() if isinstance(body, str) else body
        return requests.post(self.address, data, headers=headers, timeout=SECONDS_AT_MOST)

    def health(self) -> dict[str, Any]:
        answer = requests.get(f"{self.base}/healthz", timeout=SECONDS_AT_MOST)
        found: dict[str, Any] = answer.json()
        return {**found, "code": answer.status_code}

    def events(self, columns: str = "*") -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.store)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(f"select {columns} from events order by sequence").fetchall()


class Warehouse:
    """A DuckDB file that the tap and the loader fill, with the state of the last run."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Load with the tap's settings."""
        self._folder = folder
        self._settings = settings
        self.file = folder / "warehouse.duckdb"
        self.state: str | None = None

    @classmethod
    def of(cls, folder: Path, sandbox: Sandbox, store: Path, **more: Any) -> Warehouse:
        folder.mkdir(exist_ok=True)
        settings = {
            "api_url": sandbox.kananas_url,
            "secret_key": sandbox.credentials.kananas_token,
            "webhook_store": str(store),
        }
        return cls(folder, {**settings, **more})

    def _config(self, name: str, settings: Mapping[str, Any]) -> str:
        path = self._folder / name
        path.write_text(json.dumps(settings), encoding="utf-8")
        return str(path)

    def load(self) -> None:
        """Run tap and loader once."""
        tap = [sys.executable, "-m", "tap_kananas", "--config"]
        tap.append(self._config("tap.json", self._settings))
        if self.state is not None:
            (self._folder / "state.json").write_text(self.state, encoding="utf-8")
            tap += ["--state", str(self._folder / "state.json")]
        target = [sys.executable, "-m", "target_duckdb", "--config"]
        target.append(
            self._config(
                "target.json", {"path": str(self.file), "default_target_schema": "kananas"}
            )
        )
        with (self._folder / "log").open("w", encoding="utf-8") as log:
            reader = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log)
            with reader:
                done = subprocess.run(
                    target, stdin=reader.stdout, stdout=subprocess.PIPE, stderr=log, check=False
                )
        said = (self._folder / "log").read_text(encoding="utf-8")
        assert (reader.returncode, done.returncode) == (0, 0), said
        states: Sequence[str] = done.stdout.decode().split()
        self.state = states[-1] if states else self.state

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(query).fetchall()
