"""From the service into a DuckDB file: types, deletes, and a tap that is killed on the way."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sandbox.generate.crm.model import FIELD_TYPES, OBJECTS
from sandbox.server import Fault, running
from tap_kizen.timestamps import to_utc
from tests import servers
from tests.programs import kizen_settings, run_tap
from tests.target_duckdb.helpers import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.server import Sandbox

CONTACTS = "client_client"
BOOKMARK = "replication_key_value"
DAY = 24 * 3_600_000


@pytest.fixture
def server() -> Iterator[Sandbox]:
    with running(replace(servers.SMALL, kizen_refuses=())) as ordering:
        yield ordering


def put_all(lines: Iterable[str], queue: SimpleQueue[str]) -> None:
    for line in lines:
        queue.put(line)


@dataclass
class Warehouse:
    """A DuckDB file and the state of its last load."""

    folder: Path
    state: dict[str, Any] | None = None

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def _write(self, name: str, value: Any) -> str:
        file = self.folder / name
        file.write_text(json.dumps(value), encoding="utf-8")
        return str(file)

    def load(
        self,
        server: Sandbox,
        *,
        kill_after: int | None = None,
        kill_at: Callable[[dict[str, Any]], bool] | None = None,
        target: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """Run tap and target.

        Kill the tap after so many messages; or both once the target has passed on a state that
        `kill_at` waits for. Only what is killed needs processes of its own.
        """
        self.folder.mkdir(exist_ok=True)
        settings = kizen_settings(server, **{"page_size": 10, **changes})
        target_settings = {
            "path": str(self.file),
            "default_target_schema": "kizen",
            **(target or {}),
        }
        if kill_after is None and kill_at is None:
            outcome = run_tap("tap_kizen", settings, self.folder, state=self.state)
            assert outcome.code == 0, outcome.err
            for self.state in load(messages=outcome.out.split("\n")[:-1], **target_settings):
                pass
            return
        command = [sys.executable, "-m", "tap_kizen", "--config", self._write("tap.json", settings)]
        if self.state is not None:
            command += ["--state", self._write("state.json", self.state)]
        target_command = [sys.executable, "-m", "target_duckdb", "--config"]
        target_command.append(self._write("target.json", target_settings))
        passed = 0
        with (
            (self.folder / "log").open("w") as log,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as source,
            subprocess.Popen(
                target_command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as sink,
        ):
            assert source.stdout
            assert sink.stdin
            assert sink.stdout
            states: SimpleQueue[str] = SimpleQueue()
            listener = Thread(target=put_all, args=(sink.stdout, states))
            listener.start()
            for line in source.stdout:
                sink.stdin.write(line)
                passed += 1
                message = json.loads(line) if kill_at else {}
                if kill_at and message["type"] == "STATE" and kill_at(message["value"]):
                    sink.stdin.flush()
                    try:
                        while self.state != message["value"]:
                            self.state = json.loads(states.get(timeout=60))
                    finally:
                        sink.kill()
                        source.kill()
                    return
                if passed == kill_after:
                    source.kill()
                    break
            sink.stdin.close()
            listener.join()
        said = (self.folder / "log").read_text()
        assert sink.returncode == 0, said
        # A pipe holds what a quick tap wrote before it was killed: the target never sees it.
        assert source.returncode in {0, -9}, said
        assert not kill_at, "the state that was waited for never came"
        while not states.empty():
            self.state = json.loads(states.get())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def dictionaries(self, query: str) -> dict[str, dict[str, Any]]:
        """Return rows by their id, JSON as what it stands for."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            found = connection.execute(query)
            columns = [(name, str(kind) == "JSON") for name, kind, *_ in found.description or ()]
            rows = [
                {
                    name: json.loads(value) if is_json and value is not None else value
                    for (name, is_json), value in zip(columns, row, strict=True)
                }
                for row in found.fetchall()
            ]
        return {row["id"]: row for row in rows}

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every current row of every table, without what tells when it was loaded."""
        names = self.rows("select table_name from duckdb_tables() where schema_name = 'kizen'")
        return {
            name: sorted(
                self.rows(
                    f"select columns(c -> c not like '\\_sdc%' escape '\\')::varchar "
                    f"from kizen.{name} where _sdc_deleted_at is null"
                ),
                key=str,
            )
            for (name,) in names
        }


def test_values_of_every_field_type_are_read_in_sql(server: Sandbox, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    types = dict(
        warehouse.rows(
            "select table_name || '.' || column_name, data_type from duckdb_columns() "
            "where schema_name = 'kizen'"
        )
    )
    expected = {
        "projet_projet.public": "BOOLEAN",  # checkbox
        "projet_projet.audiences": "JSON",  # checkboxes
        "projet_projet.phase_name": "VARCHAR",  # choices
        "client_client.birthday": "DATE",
        "projet_projet.starts_at": "TIMESTAMP WITH TIME ZONE",
        "deal_subvention.rate": "DOUBLE",  # decimal
        "companies_company.sector_name": "VARCHAR",  # dropdown
        "client_client.tags": "JSON",  # dynamictags
        "client_client.email": "VARCHAR",
        "projet_projet.documents": "JSON",  # files
        "companies_company.employees": "BIGINT",  # integer
        "deal_subvention.comment": "VARCHAR",  # longtext
        "deal_subvention.amount_amount": "DOUBLE",  # money
        "deal_subvention.amount_currency": "VARCHAR",
        "client_client.mobile_phone": "VARCHAR",  # phonenumber
        "projet_projet.channel_code": "VARCHAR",  # radio
        "projet_projet.interest": "BIGINT",  # rating
        "client_client.company_primary_id": "VARCHAR",  # relationship
        "client_client.email_status_name": "VARCHAR",  # selector
        "deal_subvention.stage_name": "VARCHAR",  # status
        "deal_subvention.owner_name": "VARCHAR",  # team_selector
        "companies_company.name": "VARCHAR",  # text
        "client_client.timezone": "VARCHAR",
        "projet_projet.summary": "VARCHAR",  # wysiwyg
        "deal_subvention.renewal_code": "VARCHAR",  # yesnomaybe
        "client_client.updated": "TIMESTAMP WITH TIME ZONE",
    }
    assert {column: types.get(column) for column in expected} == expected

    found_types = set()
    for model in OBJECTS:
        rows = warehouse.dictionaries(f"select * from kizen.{model.name}")
        served = {str(record["id"]): record for record in server.account.crm.records[model.name]}
        assert rows.keys() == served.keys()
        for key, record in served.items():
            for entry in json.loads(json.dumps(record))["fields"].values():
                value = entry.get("value")
                if "value_summary" in entry:
                    value = server.account.crm.long_value(key, entry["id"])
                if value is not None:
                    found_types.add(entry["field_type"])
                columns = columns_of(entry["name"], entry["field_type"], value)
                assert {name: rows[key][name] for name in columns} == columns
    assert found_types == set(FIELD_TYPES)


def columns_of(name: str, field_type: str, value: Any) -> dict[str, Any]:
    """Return what the columns of a field are to hold of a value as the service sends it."""
    if field_type in {"dropdown", "radio", "status", "yesnomaybe"}:
        return {f"{name}_{part}": value and value[part] for part in ("id", "code", "name")}
    if field_type in {"choices", "selector", "team_selector", "relationship"}:
        values = value if isinstance(value, list) or value is None else [value]
        one = values[0] if values is not None and len(values) == 1 else {}
        # A person has two names.
        full = [one[part] for part in ("first_name", "last_name") if part in one]
        return {
            name: values,
            f"{name}_id": one.get("id"),
            f"{name}_name": one.get("name") or " ".join(full) or None,
        }
    if field_type == "money":
        amount = value and value["amount"]
        return {
            f"{name}_amount": None if amount is None else float(amount),
            f"{name}_currency": value and value["currency"],
            f"{name}_symbol": value and value["symbol"],
        }
    if value is not None and field_type in {"decimal", "date", "datetime"}:
        read: dict[str, Callable[[Any], Any]] = {
            "decimal": float,
            "date": date.fromisoformat,
            "datetime": datetime.fromisoformat,
        }
        return {name: read[field_type](value)}
    return {name: value}


def test_a_number_that_is_too_large_costs_no_other_row(server: Sandbox, tmp_path: Path) -> None:
    digits = "7" * 20_000
    page = f"""{{"next": null, "results": [
        {{"id": "a", "name": "before"}},
        {{"id": "b", "employees": {digits}, "custom_fields": {{"n": {{"value": 1e999999}}}}}},
        {{"id": "c", "name": "after"}}]}}"""
    server.faults.add(
        Fault(
            path="/api/company",
            status=200,
            body=page,
            content_type="application/json",
            times=None,
        )
    )
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    assert warehouse.rows(
        "select id, name, additional_fields->>'employees', custom_fields->'n'->>'value' "
        "from kizen.companies order by id"
    ) == [
        ("a", "before", None, None),
        ("b", None, digits, "1E+999999"),
        ("c", "after", None, None),
    ]


def change(server: Sandbox) -> None:
    """Change, archive and add contacts; the changes are an hour old, in an order of their own."""
    crm = server.account.crm
    keys = [str(record["id"]) for record in crm.records[CONTACTS]]
    an_hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    for number, key in enumerate(keys[::-2]):
        moment = to_utc(an_hour_ago + timedelta(seconds=number))
        crm.update(CONTACTS, key, first_name=f"Changed {number}", updated=moment)
    for number in range(5):
        crm.add(CONTACTS, first_name=f"Added {number}")


def test_archived_records_are_marked_after_a_full_refresh(server: Sandbox, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    key = str(server.account.crm.records[CONTACTS][4]["id"])
    server.account.crm.archive(CONTACTS, key)
    gone = f"select id from kizen.{CONTACTS} where _sdc_deleted_at is not null"
    warehouse.load(server)
    assert warehouse.rows(gone) == []
    assert warehouse.state is not None
    warehouse.state["bookmarks"][CONTACTS]["table_version"] -= DAY
    warehouse.load(server)
    assert warehouse.rows(gone) == [(key,)]


def test_archived_records_are_marked_by_a_run_without_state(
    server: Sandbox, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    crm = server.account.crm
    archived = {name: str(crm.records[name][4]["id"]) for name in sorted(crm.records)}
    for name, key in archived.items():
        crm.archive(name, key)

    def gone() -> dict[str, list[tuple[Any, ...]]]:
        marked = "select id from kizen.{} where _sdc_deleted_at is not null"
        return {name: warehouse.rows(marked.format(name)) for name in archived}

    warehouse.load(server)
    assert gone() == {name: [] for name in archived}
    # What a start leaves out may be there or not: nothing is marked.
    warehouse.state = None
    warehouse.load(server, start_date="2000-01-01")
    assert gone() == {name: [] for name in archived}
    warehouse.state = None
    warehouse.load(server)
    assert gone() == {name: [(key,)] for name, key in archived.items()}


def test_an_object_that_is_gone_is_told_and_its_table_stays(
    server: Sandbox, tmp_path: Path
) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "kizen.md"
    (query,) = re.findall(r"```sql\n(select t\.table_name.*?);\n```", page.read_text(), re.DOTALL)
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    assert warehouse.rows(query) == []
    crm = server.account.crm
    with crm.lock:
        del crm.objects["projet_projet"]
    warehouse.load(server)
    assert warehouse.rows(query) == [("projet_projet",)]
    counts = "select count(*), count(_sdc_deleted_at) from kizen.projet_projet"
    assert warehouse.rows(counts) == [(crm.counts["projet_projet"], 0)]
    fields = "select count(*) from kizen.custom_object_fields where _sdc_deleted_at is not null"
    assert warehouse.rows(fields) > [(0,)]


def test_runs_that_are_killed_go_on_and_change_nothing_in_the_end(
    server: Sandbox, tmp_path: Path
) -> None:
    options: dict[str, Any] = {
        "page_size": 5,
        "lookback_seconds": 0,
        # Commits at every state that it may commit at.
        "target": {"batch_size_bytes": 1},
    }
    disturbed = Warehouse(tmp_path / "disturbed")
    disturbed.load(server, kill_after=150, **options)
    disturbed.load(server, **options)
    change(server)
    changed = len(server.account.crm.records[CONTACTS]) // 2 + 5
    assert disturbed.state
    reached = {disturbed.state["bookmarks"][CONTACTS][BOOKMARK]}

    def third_page(state: dict[str, Any]) -> bool:
        reached.add(state["bookmarks"][CONTACTS][BOOKMARK])
        return len(reached) == 4

    disturbed.load(server, kill_at=third_page, **options)
    assert disturbed.state["bookmarks"][CONTACTS][BOOKMARK] == max(reached)
    path = f"/api/records/{CONTACTS}/search"
    before = len(server.requests.to(path))
    disturbed.load(server, **options)
    # A page begins with the record at which the one before ended; and the order is proven.
    whole = changed / 4 + 1
    assert len(server.requests.to(path)) - before <= whole - 2

    undisturbed = Warehouse(tmp_path / "undisturbed")
    undisturbed.load(server)
    assert disturbed.tables() == undisturbed.tables()


def test_nested_values_of_other_types_than_usual_are_loaded_as_they_are(
    server: Sandbox, tmp_path: Path
) -> None:
    odd: dict[str, list[Any]] = {
        "addresses": [{"city": ["Lyon"], "postal_code": 69001}, "12 rue Neuve", None],
        "tags": [{"id": 7, "name": {"fr": "membre"}}, "vip", 5, 1.5, True],
        "domains": ["example.org", ["example.net"]],
    }
    company = server.account.companies[0]
    company.update(odd)
    warehouse = Warehouse(tmp_path / "w")
    warehouse.load(server)
    (found,) = warehouse.rows(
        f"select addresses, tags, domains from kizen.companies where id = '{company['id']}'"
    )
    assert [json.loads(value) for value in found] == list(odd.values())
