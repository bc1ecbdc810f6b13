"""Each Airbyte source beside its own tap: the same records from the sandbox, to nowhere.

Run it with a Python that has this project: `python benchmarks/airbyte_source/compare.py`. Prints
a table in Markdown. Other work on the machine changes elapsed time much more than processor time,
so both are measured, each program in turn, and the best of all rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.server import Options, running

if TYPE_CHECKING:
    from sandbox.server import Sandbox

BIN = Path(sys.executable).parent
# The largest stream of each.
STREAMS = {"kananas": "contacts", "kizen": "client_client"}


class Measured(NamedTuple):
    """Seconds that a run took."""

    elapsed: float
    processor: float


def settings_of(server: Sandbox) -> dict[str, dict[str, Any]]:
    """Give the settings of each service."""
    credentials = server.credentials
    return {
        "kananas": {"api_url": server.kananas_url, "secret_key": credentials.kananas_token},
        "kizen": {
            "api_url": server.kizen_url,
            "api_key": credentials.kizen_api_key,
            "user_id": credentials.kizen_user_id,
            "business_id": credentials.kizen_business_id,
            "rate_limit": 1000,
        },
    }


def run(command: list[str | Path], out: Path | str = os.devnull) -> Measured:
    """Run a command to its end.

    Raises:
        RuntimeError: If it fails.
    """
    begun = time.perf_counter()
    with Path(out).open("wb") as target, tempfile.TemporaryFile() as said:
        actions = [
            (os.POSIX_SPAWN_DUP2, target.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, said.fileno(), 2),
        ]
        pid = os.posix_spawn(command[0], list(map(str, command)), os.environ, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        if status != 0:
            said.seek(0)
            message = f"{command}: {said.read().decode()[-2000:]}"
            raise RuntimeError(message)
    return Measured(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)


def configured(answer: Path, stream: str) -> dict[str, Any]:
    """Give a catalog that reads one stream whole, from what `discover` wrote."""
    messages = map(json.loads, answer.read_text(encoding="utf-8").splitlines())
    streams = next(each["catalog"]["streams"] for each in messages if each["type"] == "CATALOG")
    chosen = next(each for each in streams if each["name"] == stream)
    mode = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [{"stream": chosen, **mode}]}


def selected(answer: Path, stream: str) -> dict[str, Any]:
    """Give a Singer catalog that reads one stream whole, from what `--discover` wrote."""
    catalog: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    chosen = next(each for each in catalog["streams"] if each["stream"] == stream)
    chosen["replication_method"] = "FULL_TABLE"
    (root,) = (each for each in chosen["metadata"] if not each["breadcrumb"])
    root["metadata"] |= {"selected": True, "forced-replication-method": "FULL_TABLE"}
    return {"streams": [chosen]}


def compare(folder: Path, name: str, settings: dict[str, Any], rounds: int) -> list[list[Measured]]:
    """Measure the tap and the source of a service, round by round."""
    files = {kind: folder / f"{name}.{kind}.json" for kind in ("settings", "tap", "source")}
    files["settings"].write_text(json.dumps(settings), encoding="utf-8")
    tap, source, answer = BIN / f"tap-{name}", BIN / f"source-{name}", folder / "answer"
    config: list[str | Path] = ["--config", files["settings"]]
    run([tap, *config, "--discover"], answer)
    files["tap"].write_text(json.dumps(selected(answer, STREAMS[name])), encoding="utf-8")
    run([source, "discover", *config], answer)
    files["source"].write_text(json.dumps(configured(answer, STREAMS[name])), encoding="utf-8")
    return [
        [
            run([tap, *config, "--catalog", files["tap"]]),
            run([source, "read", *config, "--catalog", files["source"]]),
        ]
        for _ in range(rounds)
    ]


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000, help="of each service")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    options = Options(contacts=given.records, companies=given.records, rate_limit=0)
    print("| service | | tap, s | source, s | source ÷ tap, records/s |")
    print("|---|---|---|---|---|")
    with running(options) as server, tempfile.TemporaryDirectory() as folder:
        for name, settings in settings_of(server).items():
            rounds = compare(Path(folder), name, settings, given.rounds)
            for kind in Measured._fields:
                tap, source = (
                    min(getattr(each[place], kind) for each in rounds) for place in (0, 1)
                )
                print(
                    f"| {name} | {kind} | {tap:.2f} | {source:.2f} | {tap / source:.2f} |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
