"""From a webhook to DuckDB by `kananas-webhooks serve --run`, with the real Meltano."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import duckdb
import requests

from refresh.history import History
from tests.e2e.checkout import settings_for, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout


def test_a_webhook_starts_a_run_that_loads_it(
    installed: Checkout, sandbox: Sandbox, tmp_path: Path
) -> None:
    database = tmp_path / "warehouse.duckdb"
    runs = tmp_path / "runs.jsonl"
    settings = {
        **settings_for(sandbox), "DUCKDB_PATH": str(database), "DUCKDB_RUNS_PATH": str(runs)
    }  # fmt: skip
    run = "refresh --sources=kananas --load-only"
    program = str(installed.path / ".venv" / "bin" / "kananas-webhooks")
    url = installed.run(program, "url", "--folder", str(tmp_path))
    serve = (program, "serve", "--folder", str(tmp_path), "--port", "0")
    with installed.start(*serve, "--run", run, "--quiet", "0.1", **settings) as receiver:
        assert receiver.stdout is not None
        lines = iter(receiver.stdout.readline, "")
        port = next(json.loads(line) for line in lines if line.startswith("{"))["port"]
        address = url.said.strip().replace(":8780/", f":{port}/")
        # The command is the operator's: nothing of an event can become a part of it.
        event = {"id": 7, "run": "kizen", "command": ["touch", "pwned"]}
        assert requests.post(address, json=event, timeout=30).status_code == 202

        def ended() -> bool:
            health = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).json()
            runs = health["run"]["last_runs"]
            return bool(runs) and runs[-1]["exit_code"] is not None

        wait_until(ended)
        receiver.send_signal(signal.SIGTERM)
        said = receiver.stdout.read()
    assert receiver.returncode == 0, said
    assert "the run ended with exit code 0" in said
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "select count(*), any_value(payload->>'$.id') from kananas.webhook_events"
        assert connection.execute(query).fetchall() == [(1, "7")]
        assert connection.execute("select count(*) from kananas.contacts").fetchall() == [(120,)]
    # What happened is kept as of any other run.
    ((step,),) = [past.steps for past in History(runs).runs()]
    assert (step["step"], step["result"]) == ("kananas", "done")
    assert installed.processes() == []
