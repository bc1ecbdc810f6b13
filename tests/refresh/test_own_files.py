"""What is wrong in the files that are an account's own is named, with its line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from pwd import getpwuid

import pytest

from refresh.cli import main
from refresh.own_files import doubtful, of_another, wrong

ROOT = Path(__file__).resolve().parents[2]
#: Without which neither source can be read.
KEYS = (
    "TAP_KANANAS_SECRET_KEY", "TAP_KIZEN_API_KEY", "TAP_KIZEN_USER_ID", "TAP_KIZEN_BUSINESS_ID",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project that has no files of its own yet."""
    shutil.copyfile(ROOT / "meltano.yml", tmp_path / "meltano.yml")
    (tmp_path / "dbt_project").mkdir()
    (tmp_path / "config").mkdir()
    shutil.copyfile(
        ROOT / "dbt_project" / "dbt_project.yml", tmp_path / "dbt_project" / "dbt_project.yml"
    )
    return tmp_path


@pytest.fixture
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, "invented")


def test_the_examples_are_right(project: Path) -> None:
    assert (wrong(project, {}), doubtful(project)) == ([], [])
    for name in ("meltano", "vars"):
        shutil.copyfile(ROOT / "config" / f"{name}.example.yml", project / "config" / f"{name}.yml")
    # With all that it shows.
    text = (ROOT / ".env.example").read_text(encoding="utf-8").replace("# REFRESH_", "REFRESH_")
    (project / ".env").write_text(text.replace("# DUCKDB_", "DUCKDB_"), encoding="utf-8")
    assert (wrong(project, {}), doubtful(project)) == ([], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "env:\n  TAP_KANANAS_STREAM_MAPPS:\n    contacts: {}\n",
            (
                "line 2: there is no setting TAP_KANANAS_STREAM_MAPPS: "
                "did you mean TAP_KANANAS_STREAM_MAPS?"
            ),
        ),
        (
            "env:\n\n  TAP_KANANS_STREAM_MAPS: {}\n",
            (
                "line 3: there is no setting TAP_KANANS_STREAM_MAPS: "
                "did you mean TAP_KANANAS_STREAM_MAPS?"
            ),
        ),
        (
            "env:\n  TAP_KANANAS__SELECT: '!contacts.photo'\n",
            "line 2: TAP_KANANAS__SELECT must be a list",
        ),
        (
            "env:\n  TAP_KANANAS_STREAM_MAPS: '{\"contacts\": {'\n",
            "line 2: TAP_KANANAS_STREAM_MAPS must be a map",
        ),
        (
            "env:\n  TARGET_DUCKDB_BATCH_SIZE_ROWS: many\n",
            "line 2: TARGET_DUCKDB_BATCH_SIZE_ROWS must be a whole number",
        ),
        (
            "env:\n  TAP_KANANAS_STREAM_MAP_CONFIG: {pepper: $PEPPER}\n",
            (
                "line 2: TAP_KANANAS_STREAM_MAP_CONFIG: Meltano leaves $PEPPER as it is here: "
                "write it into .env"
            ),
        ),
        (
            "env:\n  REFRESH_WEBHOOK_URL: https://h\n",
            "line 2: REFRESH_WEBHOOK_URL belongs into .env, which the other programs read, too",
        ),
        ("env:\n  TAP_KIZEN_API_URL:\n", "line 2: TAP_KIZEN_API_URL has no value"),
        ("env: [1]\n", "line 1: env must be a map of variables to values"),
        (
            "schedules:\n- name: refresh\n  interval: '@daily'\n  job: elt\n",
            "line 2: meltano.yml has refresh already, and that one counts: choose another name",
        ),
        (
            "schedules:\n- name: mine\n  interval: '@daily'\n  job: kizn\n",
            "line 4: there is no job kizn: did you mean kizen?",
        ),
        (
            "plugins:\n  extractors:\n  - name: tap-kizen\n    select: ['*.*']\n",
            "line 3: meltano.yml has tap-kizen already, and that one counts: choose another name",
        ),
        ("jobs:\n- tasks: [kizen]\n", "line 2: an entry of jobs needs a name"),
        (
            "schedule: []\n",
            (
                "line 1: schedule does not count here; "
                "there is env, environments, jobs, plugins, schedules"
            ),
        ),
        ("schedules: 5\n", "line 1: schedules must be a list"),
        (
            "jobs: []\nplugins:\n  extractors: {name: x}\n",
            "line 2: plugins must be a map of kinds, such as extractors, to lists",
        ),
        ("schedules: [{name: x, job: [1]}]\n", "line 1: there is no job [1]; there is elt"),
        (
            "jobs:\n- {name: x, tasks: []}\n- {name: x, tasks: []}\n",
            "line 3: x is there twice: choose another name",
        ),
        ("env: {A: 1}\nenv: {B: 1}\n", "line 2: env is there twice"),
        ("a: [\n", "line 2: expected the node content, but found '<stream end>'"),
    ],
)
def test_what_is_wrong_in_the_included_file(project: Path, text: str, said: str) -> None:
    (project / "config" / "meltano.yml").write_text(text, encoding="utf-8")
    (found,) = wrong(project, {})
    assert found.startswith(f"config/meltano.yml, {said}")


def test_an_empty_included_file_is_named(project: Path) -> None:
    (project / "config" / "meltano.yml").write_text("# nothing yet\n", encoding="utf-8")
    (line,) = wrong(project, {})
    assert line == "config/meltano.yml: it says nothing: Meltano refuses such a file; remove it"


def test_what_is_of_others_passes(project: Path) -> None:
    (project / "config" / "meltano.yml").write_text(
        "env:\n  TAP_OTHER_KEY: x\n  TAP_KIZEN__METADATA_COMPANIES_REPLICATION_METHOD: FULL_TABLE\n"
        "jobs:\n- name: mine\n  tasks: [kizen]\n"
        "schedules:\n- name: mine\n  interval: '@daily'\n  job: mine\n"
        "- name: old\n  interval: '@daily'\n  extractor: tap-kizen\n  loader: target-duckdb\n",
        encoding="utf-8",
    )
    (project / ".env").write_text("export OTHER='a\nb'\nKANANAS_TEAM=x\n", encoding="utf-8")
    assert (wrong(project, {}), doubtful(project)) == ([], [])


@pytest.mark.usefixtures("_keys")
def test_a_run_ends_at_a_wrong_file_and_warns_of_what_does_not_count(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    (project / ".env").write_text(
        "# who is told\n\nREFRESH_WEBHOOK_ULR=https://hook.example\nTAP_KIZEN_APY_KEY=hunter2\n"
        "refresh_ping_url=https://ping.example\nREPORT_LANGUAGE=fr\n\nREPORT_LANGUAGE=en\n",
        encoding="utf-8",
    )
    (project / ".env").chmod(0o640)
    assert main(["check"]) == 2
    said = capsys.readouterr().out
    *lines, last = said.splitlines()
    assert last.endswith("chmod 600 .env")
    assert lines == [
        ".env, line 3: there is no setting REFRESH_WEBHOOK_ULR: did you mean REFRESH_WEBHOOK_URL?",
        ".env, line 4: there is no setting TAP_KIZEN_APY_KEY: did you mean TAP_KIZEN_API_KEY?",
        ".env, line 5: there is no setting refresh_ping_url: did you mean REFRESH_PING_URL?",
        ".env, line 8: REPORT_LANGUAGE is there twice: line 6 does not count",
    ]
    assert main(["test-alerts"]) == 0
    assert lines == [
        line.removeprefix("warning: ") for line in capsys.readouterr().out.splitlines()[:4]
    ]
    (project / "config" / "vars.yml").write_text("link_marginn: 3\n", encoding="utf-8")
    (project / "config" / "meltano.yml").write_text("env: 1\n", encoding="utf-8")
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "config/meltano.yml, line 1: env must be a map of variables to values; " in said
    assert "config/vars.yml, line 1: there is no variable link_marginn: did you mean" in said
    assert not (project / ".meltano").exists()
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "failed, 0.0 s: settings, config/meltano.yml, line 1: env must be a map" in said
    assert "settings, since " in said
    for name in ("vars.yml", "meltano.yml"):
        (project / "config" / name).unlink()
    (project / ".env").unlink()
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "Nothing is wrong in .env and in config/\n"


@pytest.mark.usefixtures("_keys")
def test_root_is_warned_in_the_folder_of_another(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = project / "output" / "prod"
    assert of_another(output) == []
    owner = project.stat().st_uid or 65_534
    if os.geteuid() == 0:
        os.chown(project, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (line,) = of_another(output)
    name = getpwuid(owner).pw_name
    assert f"{project} is of {name}" in line
    assert line.endswith(f"sudo -u {name}")
    monkeypatch.chdir(project)
    assert main(["test-alerts"]) == 0
    assert capsys.readouterr().out.startswith(f"warning: {line}\n")
    # In a container root is who runs everything: nothing is refused.
    assert main(["check"]) == 0
    assert capsys.readouterr().out == (
        f"warning: {line}\nNothing is wrong in .env and in config/\n"
    )
    # Nor is anybody else, or where all is root's, as in a container.
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert of_another(output) == []


def test_what_the_sources_need_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    shutil.copyfile(ROOT / ".env.example", project / ".env")
    (project / ".env").chmod(0o600)
    assert main(["check"]) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "TAP_KANANAS_SECRET_KEY has no value: tap-kananas needs it"
    assert [line.split()[0] for line in said] == list(KEYS)
    assert main(["--sources=kananas", "check"]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 1
    # Meltano takes the name of the service, too, and what config/meltano.yml has.
    monkeypatch.setenv("KANANAS_SECRET_KEY", "invented")
    (project / "config" / "meltano.yml").write_text(
        "env: {TAP_KIZEN_API_KEY: x, TAP_KIZEN_USER_ID: y, TAP_KIZEN_BUSINESS_ID: z}\n"
    )
    assert main(["check"]) == 0


def test_a_number_that_meltano_cannot_read_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    (project / ".env").write_text(
        "TAP_KANANAS_RATE_LIMIT=fast\nTARGET_DUCKDB_LOCK_TIMEOUT=007\nTAP_KIZEN_PAGE_SIZE=\n"
    )
    assert main([]) == 2
    assert capsys.readouterr().err == ("refresh: TAP_KANANAS_RATE_LIMIT must be a whole number\n")


@pytest.mark.usefixtures("_keys")
def test_an_environment_is_one_of_the_files(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert main(["--environment=prdo"]) == 2
    assert capsys.readouterr().err == (
        "refresh: there is no environment prdo: did you mean prod?\n"
    )
    assert not (project / "output").exists()
    (project / "config" / "meltano.yml").write_text("environments:\n- name: mine\n")
    assert main(["--environment=mine", "check"]) == 0
