"""By default a tap says what a person wants to know, and nothing else."""

from __future__ import annotations

import html
import json
import logging
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from singer_sdk.exceptions import FatalAPIError

from rest_tap.logs import printable
from rest_tap.responses import CUT, MAX_DETAIL_CHARACTERS
from rest_tap.secrets import Redactor
from sandbox.server import Fault
from tap_kizen.tap import TapKizen
from tests.programs import kananas_settings, kizen_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


@pytest.fixture(autouse=True)
def no_level_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGLEVEL", "TAP_KANANAS_LOGLEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_one_line_by_default(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path)
    (line,) = outcome.err.splitlines()
    assert line.endswith("columns found at 'contacts', key id")


def test_many_taps_in_a_process_filter_a_line_once(shared_sandbox: Sandbox) -> None:
    """As schedulers and notebooks start them: each line passed a filter more per tap before."""
    handler = logging.NullHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        settings = kizen_settings(shared_sandbox)
        TapKizen(config=settings)
        once = len(handler.filters)
        TapKizen(config=settings)
        assert len(handler.filters) == once > 0
        with pytest.raises(FatalAPIError, match="api_key"):
            TapKizen(config={**settings, "api_key": "another"})
        assert len(handler.filters) == once + 1
    finally:
        root.removeHandler(handler)


AT_ITS_END = """
atexit.register(stop)
"""
WHERE_PYTHON_CLEANS_UP = """
class Removed:
    def __del__(self):
        stop()
sync_all = TapKananas.sync_all
def stopped(tap):
    sync_all(tap)
    removed = Removed()
    del removed
TapKananas.sync_all = stopped
"""


@pytest.mark.parametrize(
    ("moment", "code"),
    [(AT_ITS_END, -signal.SIGTERM), (WHERE_PYTHON_CLEANS_UP, 128 + signal.SIGTERM)],
    ids=["at its end", "where Python cleans up"],
)
def test_told_to_stop_it_says_no_more(
    shared_sandbox: Sandbox, tmp_path: Path, moment: str, code: int
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(kananas_settings(shared_sandbox)), encoding="utf-8")
    program = f"""
import atexit, os, signal
from tap_kananas.tap import TapKananas
def stop():
    os.kill(os.getpid(), signal.SIGTERM)
{moment}
TapKananas.cli()"""
    command = [sys.executable, "-c", program, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    (line,) = done.stderr.splitlines()
    assert line.endswith("columns found at 'contacts', key id")
    assert done.returncode == code
    assert json.loads(done.stdout.splitlines()[-1])["type"] == "STATE"


@pytest.mark.parametrize("name", ["LOGLEVEL", "TAP_KANANAS_LOGLEVEL"])
def test_a_level_that_is_asked_for_shows_the_rest(
    shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "info")
    outcome = run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path)
    assert "Beginning sync" in outcome.err
    assert "METRIC" in outcome.err


def test_a_level_that_is_asked_for_hides_the_rest(
    shared_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_KANANAS_LOGLEVEL", "error")
    assert run_tap("tap_kananas", kananas_settings(shared_sandbox), tmp_path).err == ""


def test_a_failure_is_one_line_after_all_tries(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path="/action_manager.php", status=503, times=None))
    settings = kananas_settings(sandbox, request_tries=2)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 1
    assert len(list(sandbox.requests)) == 2
    (line,) = outcome.err.splitlines()
    assert "answered 503" in line


# Moves the cursor, clears the screen, begins a line, turns the direction of what follows.
DRAWN = "\x1b[2J\x1b]0;owned\x07 \r\n2026-01-01 | CRITICAL | all is well \u202e\u2028\x9b31m"


ANSWERS = [
    Fault(status=400, body=json.dumps({"error": DRAWN}), times=None),
    Fault(status=400, body=DRAWN, times=None),
    Fault(status=400, body=f"<html><title>{DRAWN}</title>", times=None),
    Fault(status=200, body=json.dumps({DRAWN: 5}), times=None),
    Fault(status=400, body="x", headers={"X-Request-ID": "\x1b[2J" + "x" * 5_000}, times=None),
]
# Of these tap-kizen tells nothing but what kind of answer they are.
NAMED_BY_KANANAS = [
    Fault(status=200, body=json.dumps({"error": DRAWN}), times=None),
    Fault(status=200, body=json.dumps([{DRAWN: 5}, {DRAWN: 5}]), times=None),
]
CASES = [
    *(("tap_kananas", answer) for answer in [*ANSWERS, *NAMED_BY_KANANAS]),
    *(("tap_kizen", answer) for answer in ANSWERS),
]


@pytest.mark.parametrize(("tap", "fault"), CASES, ids=range(len(CASES)))
def test_a_service_cannot_draw_on_the_terminal(
    sandbox: Sandbox, tmp_path: Path, tap: str, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    made = kananas_settings if tap == "tap_kananas" else kizen_settings
    outcome = run_tap(tap, made(sandbox), tmp_path)
    assert outcome.code == 1
    lines = outcome.err.split("\n")[:-1]
    assert [line for line in lines if not line.isprintable()] == []
    assert not [line for line in lines if line.startswith("2026-01-01")]
    assert "\\x1b[2J" in lines[-1]
    assert len(lines[-1]) < 2_500


def test_what_is_printable_stays_as_it_is() -> None:
    text = "été 名前 😀 10\u00a0€ \\x1b '\"%"
    assert printable(text) == text
    assert printable("a\tb\0c\ud800") == r"a\tb\x00c\ud800"


@pytest.mark.parametrize("place", range(MAX_DETAIL_CHARACTERS - 34, MAX_DETAIL_CHARACTERS + 2, 5))
def test_a_secret_that_is_cut_stays_secret(sandbox: Sandbox, tmp_path: Path, place: int) -> None:
    key = "k-0123456789-abcdefghijkl-opqrstuv"
    words = "x" * (place - 1) + "=" + key + "y" * 50
    sandbox.faults.add(Fault(status=400, body=words, times=None))
    outcome = run_tap("tap_kananas", kananas_settings(sandbox, secret_key=key), tmp_path)
    assert outcome.code == 1
    assert key[:5] not in outcome.err


SECRET = "k+9&<x>/\"'\\%41~end"


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        html.escape(SECRET),
        "".join(f"&#{ord(sign)};" for sign in SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        "".join(f"\\u{ord(sign):04X}" for sign in SECRET),
        repr(SECRET)[1:-1],
    ],
)
def test_a_secret_stays_secret_however_it_is_spelled(spelled: str) -> None:
    redactor = Redactor([SECRET])
    assert redactor.redact(f"a {spelled} b {spelled}") == "a *** b ***"
    for end in range(len(spelled)):
        shown = redactor.redact(f"a {spelled[:end]}{CUT} b")
        assert shown in {f"a ***{CUT} b", f"a {spelled[:end]}{CUT} b"}
        assert ("***" in shown) or end < len(spelled) * 5 / len(SECRET) + 8
    assert redactor.redact("a 100% & b\\c") == "a 100% & b\\c"


@pytest.mark.parametrize("tap", ["kananas", "kizen"])
def test_a_full_disk_is_one_line(shared_sandbox: Sandbox, tmp_path: Path, tap: str) -> None:
    made = kananas_settings if tap == "kananas" else kizen_settings
    config = tmp_path / "config.json"
    config.write_text(json.dumps(made(shared_sandbox)), encoding="utf-8")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)); "
    program = f"from tap_{tap}.tap import Tap{tap.title()} as T; T.cli()"
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", limit + program, "--config", str(config)],
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "cannot write: File too large" in said.splitlines()[-1]
    assert "Traceback" not in said
