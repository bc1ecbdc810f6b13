"""The command `sandbox`, as a process of its own."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest
import requests

from sandbox.cli import main
from sandbox.credentials import Credentials
from sandbox.generate.crm.model import DEAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox.cli", "--port", "0", "--scale", "0.05", *arguments]


def _read_line(stream: IO[str] | None) -> dict[str, Any]:
    assert stream is not None
    line: dict[str, Any] = json.loads(stream.readline())
    return line


@contextmanager
def _started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        _command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_ready_line_ready_file_truth_and_a_clean_stop(tmp_path: Path, stop: signal.Signals) -> None:
    ready, truth = tmp_path / "ready.json", tmp_path / "truth.csv"
    with _started("--ready-file", str(ready), "--truth", str(truth)) as process:
        line = _read_line(process.stdout)
        assert json.loads(ready.read_text()) == line
        assert line["pid"] == process.pid
        assert (line["host"], line["contacts"], line["companies"]) == ("127.0.0.1", 100, 30)
        assert line["kizen"]["companies"] == line["kizen"]["companies_company"] == 30
        base = f"http://127.0.0.1:{line['port']}"
        assert line["kananas_url"] == f"{base}/action_manager.php"
        assert line["kizen_url"] == f"{base}/api"
        token = {"token": Credentials().kananas_token}
        query = {"event": "api", "request": "contacts"}
        answer = requests.get(line["kananas_url"], params=query, headers=token, timeout=30)
        ids = {str(contact["id"]) for contact in answer.json()["contacts"]}
        process.send_signal(stop)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
    rows = list(csv.DictReader(truth.read_text().splitlines()))
    assert list(rows[0]) == ["contact_id", "company_id"]
    assert len(rows) == line["linked_contacts"] == 40
    assert {row["contact_id"] for row in rows} < ids
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ready.json", "truth.csv"]


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _run("--port", port)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"sandbox: error: port {port} of 127.0.0.1 is in use: choose another --port"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scale", "2000"], "scale is 2000: at most 1666.67, which is 1,000,000 companies"),
        (["--scale", "-1"], "scale is -1.0"),
        (["--scale", "nan"], "scale is nan"),
        (["--companies", "1000001"], "companies is 1,000,001"),
        (["--share-vat", "2"], "share vat is 2.0"),
        (["--latency", "-5"], "latency is -5"),
        (["--envelope", "xml"], "--envelope"),
        (["--host", "203.0.113.7"], "203.0.113.7"),
        (["--kizen-hidden", "secrets"], "kizen-hidden is 'secrets': use one of companies_company"),
        (["--warm", "everything"], "--warm"),
        (["--kizen-moving", "-1"], "kizen-moving is -1"),
        (["--faults", __file__], "is no list of faults"),
        (["--faults", "/nonexistent"], "/nonexistent"),
        (["--truth", "/nonexistent/truth.csv"], "/nonexistent"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", *arguments])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert words in err.splitlines()[-1]
    assert out == ""


def test_credentials_from_the_environment_and_no_secret_in_the_log() -> None:
    secrets = {"SANDBOX_KANANAS_TOKEN": "k-s3cret", "SANDBOX_KIZEN_API_KEY": "z-s3cret"}
    with _started("--access-log", "--kizen-user-id", "me", **secrets) as process:
        line = _read_line(process.stdout)
        headers = {
            "X-API-Key": "z-s3cret",
            "X-User-Id": "me",
            "X-Business-Id": Credentials().kizen_business_id,
        }
        url = f"{line['kizen_url']}/company"
        answers = [
            requests.get(url, headers=headers, params={"page_size": 5}, timeout=30),
            requests.get(url, headers=headers, params={"api_key": "z-s3cret"}, timeout=30),
            requests.get(line["kananas_url"] + "?token=k-s%33cret", timeout=30),
        ]
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert err.startswith("GET /api/company?page_size=5 200 ")
    assert len(err.splitlines()) == 3
    assert "cret" not in out + err


def test_how_the_services_behave_is_chosen_by_options(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    fault = {"path": "/api/team", "status": 503, "headers": {"Retry-After": "7"}, "times": None}
    faults.write_text(json.dumps([fault]), encoding="utf-8")
    options = [
        *("--faults", str(faults), "--kananas-lie", "html", "--kizen-counts", "all"),
        *("--kizen-hidden", "forms", "--kizen-hidden", "client_client", "--kizen-account"),
        *("objects", "--kizen-refuses", "updated-filter", "--latency", "1", "--rate-limit", "0"),
        *("--warm", "contacts", "companies_company"),
    ]
    with _started(*options) as process:
        line = _read_line(process.stdout)
        known = Credentials()
        headers = {
            "X-API-Key": known.kizen_api_key,
            "X-User-Id": known.kizen_user_id,
            "X-Business-Id": known.kizen_business_id,
            "token": known.kananas_token,
        }

        def ask(url: str) -> requests.Response:
            return requests.get(url, headers=headers, timeout=30)

        team = ask(line["kizen_url"] + "/team")
        assert (team.status_code, team.headers["Retry-After"]) == (503, "7")
        objects = ask(line["kizen_url"] + "/custom-objects?custom_only=false").json()
        assert [o["name"] for o in objects["results"]][:2] == ["companies_company", DEAL]
        forms = ask(line["kizen_url"] + "/forms").json()
        assert (forms["count"], forms["results"]) == (0, [])
        assert ask(line["kizen_url"] + "/company").status_code == 404
        contacts = ask(line["kananas_url"] + "?event=api&request=contacts")
        assert contacts.headers["Content-Type"].startswith("text/html")


def test_data_without_serving(tmp_path: Path) -> None:
    for salt, folder in enumerate(("first", "second"), start=1):
        arguments = ("--generate-only", str(tmp_path / folder), "--seed", "3")
        done = _run(*arguments, PYTHONHASHSEED=str(salt))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    names = [
        "client_client.jsonl", "companies.jsonl", "contacts.jsonl", "truth.csv",
        "truth_employers.csv", "truth_people.csv",
    ]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == names
    for name in names:
        first = (tmp_path / "first" / name).read_bytes()
        assert first == (tmp_path / "second" / name).read_bytes()
    lines = (tmp_path / "first/contacts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == 100


def test_data_is_written_whoever_has_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _run("--generate-only", str(tmp_path / "data"), "--port", port)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_names_every_option() -> None:
    done = _run("--help")
    assert done.returncode == 0
    for option in ("--scale", "--truth", "--envelope", "--share-missing-company", "--latency"):
        assert option in done.stdout
