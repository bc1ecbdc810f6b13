"""What docs/privacy.md shows does what it says, under Meltano."""

from __future__ import annotations

import re
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tests.e2e.checkout import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import Sandbox
    from tests.e2e.checkout import Checkout
    from tests.e2e.installation import Installation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"


def example(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


@contextmanager
def with_files(checkout: Checkout, server: Sandbox, **examples: str) -> Iterator[None]:
    """Have examples in the account's own files of a checkout, for a while."""
    files = {"meltano": checkout.path / "config" / "meltano.yml", "env": checkout.path / ".env"}
    written = [files[name] for name in examples]
    try:
        for name, text in examples.items():
            files[name].touch(mode=0o600)
            files[name].write_text(text, "utf-8")
        program = str(checkout.path / ".venv" / "bin" / "refresh")
        checked = checkout.run(program, "check", **settings_for(server))
        assert checked.code == 0, checked.said
        yield
    finally:
        for file in written:
            file.unlink()


def run(checkout: Checkout, server: Sandbox, database: Path) -> str:
    settings = settings_for(server, DUCKDB_PATH=str(database))
    ended = checkout.run(*checkout.meltano("run", "kananas"), **settings)
    assert ended.code == 0, ended.said
    return ended.said


def columns(checkout: Checkout, database: Path) -> set[str]:
    rows = checkout.rows(database, "describe kananas.contacts")
    return {name for name, *_ in rows}


def test_columns_are_left_out(installed: Checkout, sandbox: Sandbox, tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    with with_files(installed, sandbox, meltano=example("select")):
        said = run(installed, sandbox, database)
    assert {"birth_date", "photo", "free_fields"}.isdisjoint(columns(installed, database))
    assert "email" in columns(installed, database)
    assert installed.rows(database, "select count(*) from kananas.contacts") == [(120,)]
    for contact in sandbox.account.contacts:
        assert str(contact["birth_date"] or "no date") not in said


def test_columns_are_hashed(installed: Checkout, sandbox: Sandbox, tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    pepper = example("pepper").replace("a long text that only you know", "cayenne")
    with with_files(installed, sandbox, meltano=example("hash"), env=pepper):
        run(installed, sandbox, database)
    assert {"phone", "mobile"}.isdisjoint(columns(installed, database))
    loaded = dict(installed.rows(database, "select id, email from kananas.contacts"))
    for contact in sandbox.account.contacts:
        email = contact["email"]
        hashed = md5(f"cayenne{email}".encode()).hexdigest() if email else None  # noqa: S324
        assert loaded[contact["id"]] == hashed


def test_rows_are_purged(after_a_good_run: Installation, sandbox: Sandbox) -> None:
    installed, database = after_a_good_run.checkout, after_a_good_run.database
    count = "select count(*), count(_sdc_deleted_at) from kananas.contacts"
    assert installed.rows(database, count) == [(120, 0)]
    with sandbox.account.contacts.lock:
        del sandbox.account.contacts[110:]
    run(installed, sandbox, database)
    assert installed.rows(database, count) == [(120, 10)]
    with duckdb.connect(str(database)) as connection:
        connection.execute(example("purge"))
    assert installed.rows(database, count) == [(110, 0)]
    with sandbox.account.contacts.lock:
        del sandbox.account.contacts[100:]
    with with_files(installed, sandbox, env=example("hard_delete")):
        run(installed, sandbox, database)
    assert installed.rows(database, "select count(*) from kananas.contacts") == [(100,)]
