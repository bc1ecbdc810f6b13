"""Columns that are left out or hashed appear nowhere, in no mode."""

from __future__ import annotations

import gzip
import json
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.server import Fault
from tests.programs import Outcome, kananas_settings, run_tap
from tests.target_duckdb.helpers import load, query

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

PRIVATE = ("birth_date", "email", "free_fields")


def batches(folder: Path) -> dict[str, Any]:
    (folder / "files").mkdir(exist_ok=True)
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": f"file://{folder / 'files'}"},
        "batch_size": 50,
    }


def catalog_without(settings: dict[str, Any], folder: Path, *columns: str) -> dict[str, Any]:
    outcome = run_tap("tap_kananas", settings, folder, "--discover")
    catalog: dict[str, Any] = json.loads(outcome.out)
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"][-1:] and entry["breadcrumb"][-1] in columns:
            entry["metadata"]["selected"] = False
    return catalog


def everything(outcome: Outcome, folder: Path) -> str:
    """All that the tap wrote anywhere but in its settings and the catalog it was given."""
    files = [
        gzip.decompress(path.read_bytes()).decode() for path in (folder / "files").rglob("*.gz")
    ]
    return "\n".join([outcome.out, outcome.err, *files])


def traces(sandbox: Sandbox, *columns: str) -> list[str]:
    """Values of these columns that no other column holds."""
    found = []
    for contact in sandbox.account.contacts:
        for column in columns:
            value = contact[column]
            texts = value.values() if isinstance(value, dict) else [value]
            found += [text for text in texts if isinstance(text, str) and "@" in text]
    assert found
    return found


@pytest.mark.parametrize("in_batches", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_columns_that_are_left_out_appear_nowhere(
    sandbox: Sandbox, tmp_path: Path, *, in_batches: bool, fails: bool
) -> None:
    settings = kananas_settings(sandbox, timezone="Europe/Paris")
    if in_batches:
        settings["batch_config"] = batches(tmp_path)
    catalog = catalog_without(settings, tmp_path, *PRIVATE)
    if fails:
        # A key that repeats makes the tap say much about the columns, and nothing about values.
        with sandbox.account.contacts.lock:
            sandbox.account.contacts[5]["id"] = sandbox.account.contacts[6]["id"]
    outcome = run_tap("tap_kananas", settings, tmp_path, catalog=catalog)
    assert (outcome.code == 1) is fails, outcome.err
    written = everything(outcome, tmp_path)
    assert not [text for text in traces(sandbox, "email") if text in written]
    if not fails:
        assert len(outcome.records) == 120
        for message in outcome.messages:
            assert not set(PRIVATE) & set(message.get("record", {}))
            assert not set(PRIVATE) & set(message.get("schema", {}).get("properties", {}))


@pytest.mark.parametrize("in_batches", [False, True])
def test_a_hashed_column_appears_as_a_hash_only(
    sandbox: Sandbox, tmp_path: Path, *, in_batches: bool
) -> None:
    hashing = {"email": "md5(email) if email else None", "phone": "__NULL__"}
    settings = kananas_settings(sandbox, stream_maps={"contacts": hashing})
    if in_batches:
        settings["batch_config"] = batches(tmp_path)
    outcome = run_tap("tap_kananas", settings, tmp_path)
    assert outcome.code == 0, outcome.err
    written = everything(outcome, tmp_path)
    assert not [text for text in traces(sandbox, "email") if text in written]
    sent = {record["id"]: record for record in outcome.records}
    for contact in sandbox.account.contacts:
        record, email = sent[contact["id"]], contact["email"]
        hashed = md5(str(email).encode()).hexdigest() if email else None  # noqa: S324 - the map's
        assert record["email"] == hashed
        assert "phone" not in record


@pytest.mark.parametrize(
    "body",
    [
        '[{"id": 1, "name": "Jeanne Delacroix"}, {"id": 2, "name": "Jeanne Delacr',
        '{"a": {"name": "Jeanne Delacroix"}, "b": 3}',
        '{"contact": {"id": 1, "name": "Jeanne Delacroix"}}',
        '[{"id": 1, "name": "Jeanne Delacroix"}, {"id": 1, "name": "Jeanne Delacroix"}]',
        '[["Jeanne Delacroix"]]',
        '[{"id": 1, "name": "Jeanne Delacroix"} "x"]',
        "id;name\n" + "1;Jeanne Delacroix\n" * 20,
        "<table><tr><td>Jeanne Delacroix",
    ],
)
def test_an_error_shows_nobody(sandbox: Sandbox, tmp_path: Path, body: str) -> None:
    sandbox.faults.add(Fault(status=200, body=body, times=None))
    outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert "Delacr" not in outcome.err + outcome.out


def test_batches_are_current_once_they_are_loaded(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox, batch_config=batches(tmp_path))
    path = tmp_path / "warehouse.duckdb"
    for left in (120, 100):
        with sandbox.account.contacts.lock:
            del sandbox.account.contacts[left:]
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert outcome.code == 0, outcome.err
        load(path, outcome.out.strip().split("\n"), default_target_schema="main")
        current = "SELECT count(*) FROM contacts WHERE _sdc_deleted_at IS NULL"
        assert query(path, current) == [(left,)]
    assert query(path, "SELECT count(*) FROM contacts") == [(120,)]


@pytest.mark.parametrize("name", ["_sdc_deleted_at", "_SDC_Deleted_At", "_sdc_table_version"])
@pytest.mark.parametrize("hard_delete", [False, True])
def test_no_column_of_the_account_is_the_loader_s(
    sandbox: Sandbox, tmp_path: Path, name: str, *, hard_delete: bool
) -> None:
    with sandbox.account.contacts.lock:
        for contact in sandbox.account.contacts:
            contact[name] = "2024-05-06T07:08:09Z"
        sandbox.account.contacts[0][f"service{name}"] = "its own"
    path = tmp_path / "warehouse.duckdb"
    for _ in range(2):
        outcome = run_tap("tap_kananas", kananas_settings(sandbox), tmp_path)
        assert outcome.code == 0, outcome.err
        load(path, outcome.out.strip().split("\n"), hard_delete=hard_delete)
    deleted = "" if hard_delete else "WHERE _sdc_deleted_at IS NULL"
    assert query(path, f"SELECT count(*) FROM contacts {deleted}") == [(120,)]
    own = f'count("service{name}"), count(*) FILTER ("service{name}" = \'its own\'), '
    kept = query(path, f'SELECT {own} count("service{name}_") FROM contacts')
    assert kept == [(120, 1, 1)]


def test_the_key_of_the_account_appears_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = kananas_settings(sandbox)
    for lie in (None, "html", "truncated"):
        sandbox.kananas_lie = lie
        outcome = run_tap("tap_kananas", settings, tmp_path)
        assert sandbox.credentials.kananas_token not in outcome.out + outcome.err
    for arrival in sandbox.requests:
        assert sandbox.credentials.kananas_token not in arrival.query
