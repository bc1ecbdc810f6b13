"""The list that discovery has read, and the run that follows takes."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from tap_kananas.response.handover import MOST_SECONDS
from tests.programs import kananas_settings, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox


def _discover(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    outcome = run_tap("tap_kananas", settings, folder, "--discover")
    assert outcome.code == 0, outcome.err
    catalog: dict[str, Any] = json.loads(outcome.out)
    return catalog


def test_the_list_is_asked_for_once_and_nothing_is_left(sandbox: Sandbox, tmp_path: Path) -> None:
    kept = tmp_path / "run" / "discovered"
    settings = {**kananas_settings(sandbox), "discovery_folder": str(kept)}
    catalog = _discover(settings, tmp_path)
    (body,) = kept.iterdir()
    assert stat.S_IMODE(body.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert settings["secret_key"] not in body.name
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert len(outcome.records) == len(sandbox.account.contacts)
    assert len(sandbox.requests) == 1
    assert list(kept.iterdir()) == []
    # Whoever comes next asks anew.
    with sandbox.account.contacts.lock:
        del sandbox.account.contacts[0]
    again = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert len(again.records) == len(outcome.records) - 1
    assert len(sandbox.requests) == 2


def test_what_is_old_or_of_another_key_is_not_taken(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = {**kananas_settings(sandbox), "discovery_folder": str(tmp_path / "kept")}
    catalog = _discover(settings, tmp_path)
    wrong = run_tap("tap_kananas", {**settings, "secret_key": "other"}, tmp_path, catalog=catalog)
    assert wrong.code == 1
    assert wrong.records == []
    (body,) = (tmp_path / "kept").iterdir()
    old = body.stat().st_mtime - MOST_SECONDS - 2
    os.utime(body, (old, old))
    before = len(sandbox.requests)
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert outcome.code == 0, outcome.err
    assert len(sandbox.requests) == before + 1
    assert list((tmp_path / "kept").iterdir()) == []


def test_where_it_cannot_be_kept_the_list_is_asked_for_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    settings = {**kananas_settings(sandbox), "discovery_folder": str(tmp_path / "a-file" / "kept")}
    outcome = run_tap("tap_kananas", settings, tmp_path, "--discover")
    assert outcome.code == 0, outcome.err
    assert "read twice, since it cannot be kept: Not a directory" in outcome.err
    assert "'discovery_folder' (TAP_KANANAS_DISCOVERY_FOLDER)" in outcome.err
    read = run_tap("tap_kananas", settings, tmp_path, catalog=json.loads(outcome.out))
    assert len(read.records) == len(sandbox.account.contacts)
    assert len(sandbox.requests) == 2


def test_lists_of_changes_and_of_pages_are_asked_for_by_the_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    contacts = {"name": "contacts", "request": "contacts"}
    contacts |= {"replication_key": "updated_at", "replication_parameter": "updated_since"}
    settings = {
        **kananas_settings(sandbox),
        "requests": [contacts],
        "discovery_folder": str(tmp_path / "kept"),
    }
    catalog = _discover(settings, tmp_path)
    assert not (tmp_path / "kept").exists()
    assert run_tap("tap_kananas", settings, tmp_path, catalog=catalog).code == 0
    assert len(sandbox.requests) == 2
