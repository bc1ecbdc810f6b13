"""The taps below Meltano with a loader that takes no BATCH messages, and with dates that are none.

The project is that of `meltano.yml` with programs that are installed already.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.checkout import ROOT, settings_for

if TYPE_CHECKING:
    from sandbox.server import Sandbox

NO_FILES = {"TAP_KANANAS_BATCH_CONFIG": "{}", "TAP_KIZEN_BATCH_CONFIG": "{}"}


@pytest.fixture(scope="session")
def target_jsonl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the public loader into an environment of its own."""
    home = tmp_path_factory.mktemp("target-jsonl")
    uv = str(ROOT / ".venv" / "bin" / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
    python = str(home / "bin" / "python")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", python, "target-jsonl==0.1.4"], check=True
    )
    return home / "bin" / "target-jsonl"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    given = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    extractors = given["plugins"]["extractors"]
    for plugin in extractors:
        del plugin["pip_url"]
        plugin["executable"] = str(Path(sys.executable).parent / plugin["name"])
    write(tmp_path, {**given, "plugins": {"extractors": extractors}, "jobs": [], "schedules": []})
    return tmp_path


def write(project: Path, content: dict[str, Any]) -> None:
    (project / "meltano.yml").write_text(yaml.safe_dump(content), encoding="utf-8")


def read(project: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((project / "meltano.yml").read_text(encoding="utf-8"))
    return content


def meltano(project: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "meltano"), "--cwd", str(project), *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(project), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("switched_by", ["environment", "meltano.yml"])
def test_a_loader_without_batch_messages_gets_records(
    project: Path, target_jsonl: Path, shared_sandbox: Sandbox, switched_by: str
) -> None:
    content = read(project)
    plugins = content["plugins"]
    settings = [{"name": name} for name in ("destination_path", "do_timestamp_file")]
    loader = {"name": "target-jsonl", "namespace": "jsonl", "executable": str(target_jsonl)}
    output = project / "output"
    output.mkdir()
    config = {"destination_path": str(output), "do_timestamp_file": False}
    plugins["loaders"] = [{**loader, "settings": settings, "config": config}]
    more = settings_for(shared_sandbox)
    if switched_by == "environment":
        more = {**more, **NO_FILES}
    else:
        for plugin in plugins["extractors"]:
            plugin["config"] = {"batch_config": {}}
    write(project, content)
    code, said = meltano(
        project, "run", "tap-kizen", "target-jsonl", "tap-kananas", "target-jsonl", **more
    )
    assert code == 0, said
    assert "Traceback" not in said
    for table, rows in (("companies", 45), ("contacts", 120)):
        lines = (output / f"{table}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len({json.loads(line)["id"] for line in lines}) == rows
    assert not (project / ".meltano" / "run" / "batches").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("start_date", "2026-13-01"),
        ("start_date", "05/03/2026"),
        ("end_date", "26-01-05"),
        ("end_date", "yesterday"),
    ],
)
def test_a_date_that_is_none_is_refused(
    project: Path, shared_sandbox: Sandbox, setting: str, value: str
) -> None:
    variable = f"TAP_KIZEN_{setting.upper()}"
    more = {**settings_for(shared_sandbox), **NO_FILES, variable: value}
    code, said = meltano(project, "invoke", "tap-kizen", **more)
    assert code == 1, said
    # Meltano breaks what it shows of a tap into lines.
    told = f"setting '{setting}' ({variable}) is not a date or timestamp: '{value}'"
    assert "".join(told.split()) in "".join(said.split())
    assert '"RECORD"' not in said


@pytest.mark.parametrize("value", ["2026-01-05", "2026-01-05 10:00:00", "2026-01-05T10:00:00Z"])
def test_a_date_in_the_project_file_stays_that_date(
    project: Path, shared_sandbox: Sandbox, value: str
) -> None:
    content = read(project)
    (plugin,) = [each for each in content["plugins"]["extractors"] if each["name"] == "tap-kizen"]
    # Without quotes YAML makes dates of them.
    plugin["config"] = yaml.safe_load(f"start_date: {value}")
    assert not isinstance(plugin["config"]["start_date"], str)
    write(project, content)
    code, said = meltano(
        project, "invoke", "tap-kizen", **{**settings_for(shared_sandbox), **NO_FILES}
    )
    assert code == 0, said
    created = [
        message["record"]["created"]
        for line in said.splitlines()
        if line.startswith("{") and (message := json.loads(line))["type"] == "RECORD"
        if message["stream"] == "companies"
    ]
    assert created
    assert min(created) >= "2026-01-05"
