"""Run a tap as users do: by its command line, with settings in a file."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from singer_sdk import Tap
    from singer_sdk.plugin_base import PluginBase

    from sandbox.server import Sandbox


@dataclass(frozen=True)
class Outcome:
    """What a program said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.split("\n") if line]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.of_type("RECORD")]

    def records_of(self, stream: str) -> list[dict[str, Any]]:
        messages = self.of_type("RECORD")
        return [message["record"] for message in messages if message["stream"] == stream]

    @property
    def streams(self) -> list[str]:
        return [message["stream"] for message in self.of_type("SCHEMA")]

    @property
    def state(self) -> dict[str, Any]:
        value: dict[str, Any] = self.of_type("STATE")[-1]["value"]
        return value

    @property
    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1]


def kananas_settings(server: Sandbox, **changes: Any) -> dict[str, Any]:
    settings = {
        "api_url": server.kananas_url,
        "secret_key": server.credentials.kananas_token,
        # What the pace is for has a test of its own.
        "rate_limit": 1000,
    }
    return {**settings, **changes}


def kizen_settings(server: Sandbox, **changes: Any) -> dict[str, Any]:
    settings = {
        "api_url": server.kizen_url,
        "api_key": server.credentials.kizen_api_key,
        "user_id": server.credentials.kizen_user_id,
        "business_id": server.credentials.kizen_business_id,
        # What the pace is for has a test of its own.
        "rate_limit": 1000,
    }
    return {**settings, **changes}


TAPS: dict[str, type[Tap]] = {"tap_kananas": TapKananas, "tap_kizen": TapKizen}


@contextmanager
def _as_a_program() -> Iterator[tuple[StringIO, StringIO]]:
    """Catch what a program writes, and undo what it does to its process."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    out, err = StringIO(), StringIO()
    root.handlers[:] = []
    try:
        with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            yield out, err
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook


def run_tap(
    module: str,
    settings: Mapping[str, Any],
    folder: Path,
    *arguments: str,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run the command line of a tap to its end, in this process.

    Starting Python and the SDK costs more than most of what is tested; the end-to-end tests
    start real processes.
    """
    config = folder / "config.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    options = ["--config", str(config), *arguments]
    if catalog is not None:
        file = folder / "catalog.json"
        file.write_text(json.dumps(catalog), encoding="utf-8")
        options += ["--catalog", str(file)]
    if state is not None:
        file = folder / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        options += ["--state", str(file)]
    return run_command(TAPS[module], module, *options)


def run_command(plugin: type[PluginBase], name: str, *arguments: str) -> Outcome:
    """Run the command line of a plugin to its end, in this process; it has no input."""
    with _as_a_program() as (out, err):
        try:
            # The SDK sets up logging where a plugin is asked for its command line.
            plugin.cli.main(list(arguments), prog_name=name)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Outcome(code, out.getvalue(), err.getvalue())
