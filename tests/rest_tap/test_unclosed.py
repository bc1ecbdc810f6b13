"""How taps end: a failure leaves nothing open for Python to tell of, success needs no search."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.server import Fault
from tests.programs import kananas_settings, kizen_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

SETTINGS = {"tap_kananas": kananas_settings, "tap_kizen": kizen_settings}
FAULTS = {
    "refused": Fault(status=401, body='{"code": "no"}', times=None),
    "page": Fault(status=200, body="<html><title>Log in</title></html>", times=None),
    "half": Fault(status=200, body='[{"id": 1}, {"id"', times=None),
    "closed": Fault(close=True, times=None),
}


@pytest.mark.parametrize("module", SETTINGS)
def test_the_end_of_a_program_takes_no_look_at_all_modules(module: str) -> None:
    code = (
        "import atexit, gc, runpy, sys; atexit.register(lambda: print(gc.get_freeze_count())); "
        f"sys.argv[1:] = ['--version']; runpy.run_module({module!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) > 10_000


@pytest.mark.parametrize("module", SETTINGS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_discovery_leaves_nothing_open(
    sandbox: Sandbox, tmp_path: Path, module: str, fault: str
) -> None:
    sandbox.faults.add(FAULTS[fault])
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SETTINGS[module](sandbox, request_tries=1)))
    python = [sys.executable, "-W", "default::ResourceWarning", "-m", module]
    done = subprocess.run(
        [*python, "--config", str(config), "--discover"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "CRITICAL" in line
