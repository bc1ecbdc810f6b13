"""Records that are decoded straight into their columns hold what the ordinary way puts there."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rest_tap.responses import decode_json
from rest_tap.writers.messages import encode_lines
from sandbox.server import Fault
from tap_kizen.account import Account, Entity
from tap_kizen.bookmarks import Bookmark
from tap_kizen.pagination.paginator import Page
from tap_kizen.reading import KizenStream
from tap_kizen.records import RecordsStream
from tap_kizen.streams import CompaniesStream
from tap_kizen.tap import TapKizen
from target_duckdb.target import TargetDuckDB
from tests.programs import kizen_settings, run_tap
from tests.tap_kizen import pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.server import Sandbox

SETTINGS = {
    "api_url": "https://crm.example/api",
    "api_key": "unused-key",
    "user_id": "00000000-0000-4000-8000-000000000000",
    "business_id": "00000000-0000-4000-8000-000000000000",
    "fetch_large_values": False,
}
USUAL = {
    "companies": (
        '{"id":"u","name":"Ünal","email":null,"addresses":[{"city":"Ghent"}],"tags":[],'
        '"created":"2026-03-31T16:23:53.231165-05:00","custom_fields":{"n":{"value":1.10}}}'
    ),
    "things": (
        '{"id":"u","fields":{'
        + ",".join(
            f"{json.dumps(field.id)}:"
            + pages.entry(field, pages.USUAL.get(field.field_type, '"text"'))
            for field in pages.FIELDS
        )
        + '},"access":{"view":true},"object_type":"standard"}'
    ),
}


class OfflineTap(TapKizen):
    """A tap that asks nobody."""

    account = Account(has_companies=False, has_objects=False, objects=[])


def companies() -> KizenStream:
    return CompaniesStream(OfflineTap(config=SETTINGS))


def things() -> KizenStream:
    entity = Entity(id="t", name="things", is_pipeline=False, columns=pages.COLUMNS)
    stream = RecordsStream(OfflineTap(config=SETTINGS), "things", entity)
    stream._bookmark = Bookmark(stream, {}, None)  # noqa: SLF001
    return stream


STREAMS = {"companies": companies, "things": things}


def in_words(rows: Sequence[Any]) -> list[Any]:
    """Return rows as any reader of their lines would, numbers with all their digits."""
    lines = encode_lines(rows).split(b"\n")
    assert lines.pop() == b""
    assert not any(b"\r" in line for line in lines)
    return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in lines]


def ordinary(stream: KizenStream, body: bytes) -> list[Any]:
    made = map(stream.row_of, decode_json(body, Page).results)
    return in_words([row for row in made if row is not None])


def typed(stream: KizenStream, body: bytes) -> list[Any]:
    stream._typed = stream.typed_records  # noqa: SLF001
    page = stream.typed_page(body) or decode_json(body, Page)
    return in_words(stream.rows(page.results))


@pytest.mark.parametrize("name", STREAMS)
def test_the_usual_record_does_not_go_the_ordinary_way(name: str) -> None:
    stream = STREAMS[name]()
    body = pages.page_of([USUAL[name]])
    records = stream.typed_records
    assert records
    # The first record tells which keys have no column.
    typed(stream, body)
    page = records.decode(body, lambda _: pytest.fail("not taken for usual"))
    assert page
    assert in_words([records.finish(row) for row in page.results]) == ordinary(stream, body)


@pytest.mark.parametrize(
    ("name", "records"),
    [("companies", pages.COMPANIES), ("things", pages.records_of(pages.FIELDS))],
)
@given(data=st.data())
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_give_the_same_rows(
    name: str, records: st.SearchStrategy[str], data: st.DataObject
) -> None:
    stream = STREAMS[name]()
    body = pages.page_of([USUAL[name], *data.draw(st.lists(records, max_size=4))])
    wanted = ordinary(stream, body)
    # Keys that are new, and the same keys when they are expected.
    assert typed(stream, body) == wanted
    assert typed(stream, body) == wanted


def test_every_value_of_every_field_lands_where_it_should() -> None:
    stream = things()
    made = [
        f'{{"id":"{field.id} {number}","fields":{{"{field.id}":{pages.entry(field, value)}}}}}'
        for field in pages.FIELDS
        for number, value in enumerate(pages.every_value(field))
    ]
    body = pages.page_of(made)
    assert typed(stream, body) == ordinary(stream, body)


def test_every_value_of_every_column_lands_where_it_should() -> None:
    stream = companies()
    names = [name for name in stream.columns if name != "id"]
    values = pages.every_value(pages.FIELDS[0])
    made = [
        f'{{"id":"{name} {number}","{name}":{value}}}'
        for name in names
        for number, value in enumerate(values)
    ]
    body = pages.page_of(made)
    assert typed(stream, body) == ordinary(stream, body)


@pytest.mark.parametrize("odd", [b'"half \\ud800"', b"NaN", b'"\xff"', b"[1,]"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_page_that_is_no_strict_json_goes_the_ordinary_way(name: str, odd: bytes) -> None:
    body = pages.page_of([USUAL[name]]).replace(b'"u"', b'{"unheard":' + odd + b"}")
    records = STREAMS[name]().typed_records
    assert records
    assert records.decode(body, lambda _: {}) is None


@pytest.mark.parametrize("name", STREAMS)
def test_a_record_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="Expected `object`"):
        typed(STREAMS[name](), pages.page_of([USUAL[name], "5"]))


def test_keys_that_differ_in_every_record_are_not_all_expected() -> None:
    stream = companies()
    many = [f'{{"id":"{number}","key {number}":{number}}}' for number in range(500)]
    assert typed(stream, pages.page_of(many)) == ordinary(stream, pages.page_of(many))
    assert stream.typed_records
    assert len(stream.typed_records._others) <= 64  # noqa: SLF001


def loaded(server: Sandbox, folder: Path, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Run tap and loader over batch files; give all rows, as text."""
    folder.mkdir()
    batches = {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": (folder / "batches").as_uri()},
    }
    config = kizen_settings(server, objects=[name], batch_config=batches, fetch_large_values=False)
    outcome = run_tap("tap_kizen", config, folder)
    assert outcome.code == 0, outcome.err
    assert any(message["stream"] == name for message in outcome.of_type("BATCH"))
    lines = outcome.out.split("\n")
    messages = folder / "messages"
    messages.write_text("\n".join(line for line in lines if f'"{name}"' in line), encoding="utf-8")
    file = folder / "w.duckdb"
    target = {"path": str(file), "default_target_schema": "k", "on_invalid_record": "quarantine"}
    with messages.open(encoding="utf-8") as source:
        TargetDuckDB(config=target).listen(source)
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        return {
            table: sorted(
                connection.execute(
                    f"select columns(c -> c not like '\\_sdc%' escape '\\')::varchar from k.{table}"
                ).fetchall(),
                key=str,
            )
            for (table,) in tables
            if not table.startswith("_")
        }


def check_tables(server: Sandbox, folder: Path, name: str, path: str, body: bytes) -> None:
    """Load a page both ways, and compare all values of all rows."""
    server.faults.clear()
    server.faults.add(Fault(path=path, status=200, body=body, times=None))
    found = loaded(server, folder / "typed", name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KizenStream, "has_rows", property(lambda _: False))
        assert loaded(server, folder / "ordinary", name) == found
    assert found


@pytest.mark.parametrize("name", ["companies", "projet_projet"])
def test_both_ways_fill_the_same_table(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    account = TapKizen(config=kizen_settings(sandbox)).account
    fields = [
        column.field
        for entity in account.objects
        if entity.name == name
        for column in entity.columns
    ]
    records = pages.records_of(fields) if fields else pages.COMPANIES
    path = f"/api/records/{name}/search" if fields else "/api/company"

    @given(bodies=st.lists(records, min_size=5, max_size=15).map(pages.page_of))
    @settings(deadline=None, max_examples=8, phases=[Phase.generate], database=None)
    def check(bodies: bytes) -> None:
        check_tables(sandbox, tmp_path_factory.mktemp("load"), name, path, bodies)

    check()
