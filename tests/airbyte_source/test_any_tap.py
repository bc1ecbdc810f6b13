"""The adapter serves any tap of the SDK: parents and children, odd values, defects."""

from __future__ import annotations

import logging
import signal
import warnings
from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import Stream, Tap
from singer_sdk import typing as th
from singer_sdk.helpers.conform import TypeConformanceLevel

from airbyte_source.source import Source
from tests.airbyte_source.programs import Answer, ask, configured, parse, read, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from singer_sdk.helpers.types import Context, Record

# Elsewhere a warning is an error; here it is to end up in the log.
pytestmark = pytest.mark.filterwarnings("always:odd values")

#: What the streams of the tap answer.
AUTHORS: dict[str, list[dict[str, Any]]] = {
    "Ada": [{"title": "Notes", "year": 1843}],
    "Mary": [{"title": "The Last Man", "year": 1826}, {"title": "Frankenstein", "year": 1818}],
}


class AuthorsStream(Stream):
    """Parents."""

    name = "authors"
    primary_keys: ClassVar[tuple[str, ...]] = ("name",)
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("name", th.StringType, required=True),
        th.Property("born", th.DateTimeType),
        additional_properties=False,
    ).to_dict()

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        # A library that prints must not end up among the messages.
        print("reading authors")  # noqa: T201
        for name in AUTHORS:
            yield {"name": name, "born": datetime(1815, 12, 10, tzinfo=timezone.utc)}

    def get_child_context(self, record: Record, context: Context | None) -> Context:  # noqa: ARG002
        return {"author": record["name"]}


class BooksStream(Stream):
    """Children, sorted by a cursor within each parent."""

    name = "books"
    parent_stream_type = AuthorsStream
    primary_keys: ClassVar[tuple[str, ...]] = ("title",)
    replication_key = "year"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("author", th.StringType),
        th.Property("title", th.StringType, required=True),
        th.Property("year", th.IntegerType),
    ).to_dict()

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        assert context is not None
        since = self.get_starting_replication_key_value(context) or 0
        for book in AUTHORS[context["author"]]:
            if book["year"] > since:
                yield dict(book)


class OddStream(Stream):
    """Values that JSON, or some reader of it, has trouble with."""

    name = "odd"
    # The SDK's own conformance has trouble with a list where the schema says nothing.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("value", th.CustomType({})),
    ).to_dict()

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        warnings.warn("odd values", UserWarning, stacklevel=1)
        for value in (
            "\ud83d half of a pair",
            2**70,
            [float("nan"), "\ud83d"],
            float("inf"),
            Decimal("1.10"),
            "line\u2028end\n",
        ):
            yield {"value": value}


class BrokenStream(Stream):
    """A defect, in the words of which a value of a record is quoted."""

    name = "broken"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(th.Property("id", th.StringType)).to_dict()

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        yield {"id": "first"}
        raise KeyError("a.person@example.org")  # noqa: EM101


class TapLibrary(Tap):
    """A tap as the SDK's template makes it."""

    name = "tap-library"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("token", th.StringType, required=True, secret=True, title="Token"),
        th.Property("broken", th.BooleanType, default=False, title="Broken"),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        streams: list[Stream] = [AuthorsStream(self), BooksStream(self), OddStream(self)]
        return [*streams, BrokenStream(self)] if self.config["broken"] else streams


LIBRARY = Source(name="source-library", title="Library", tap=TapLibrary)
SETTINGS = {"token": "a-secret-token"}


@pytest.fixture
def streams(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return ask(LIBRARY, "discover", tmp_path, {**SETTINGS, "broken": True}).streams


def test_streams_are_listed_with_what_can_be_done_with_them(
    streams: dict[str, dict[str, Any]],
) -> None:
    streams["authors"]["json_schema"].pop("$schema")
    assert streams["authors"] == {
        "name": "authors",
        "json_schema": {
            "type": "object",
            "properties": {
                "name": {"type": ["string"]},
                "born": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "airbyte_type": "timestamp_with_timezone",
                },
            },
            "required": ["name"],
            "additionalProperties": True,
        },
        "supported_sync_modes": ["full_refresh"],
        "is_resumable": False,
        "source_defined_primary_key": [["name"]],
    }
    books = streams["books"]
    assert books["supported_sync_modes"] == ["full_refresh", "incremental"]
    assert books["default_cursor_field"] == ["year"]
    assert "source_defined_primary_key" not in streams["odd"]


def test_children_are_read_with_their_parents(
    streams: dict[str, dict[str, Any]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    catalog = configured(streams, "books", "authors", mode="incremental")
    first = read(LIBRARY, tmp_path, SETTINGS, catalog)
    assert first.code == 0
    assert first.counts == {"authors": 2, "books": 3}
    assert first.counted_in_states() == first.counts
    for name in first.counts:
        assert first.statuses(name) == ["STARTED", "RUNNING", "COMPLETE"]
    assert first.records_of("authors")[0]["born"] == "1815-12-10T00:00:00.000000+00:00"
    assert capfd.readouterr().err == "reading authors\n"

    again = read(LIBRARY, tmp_path, SETTINGS, catalog, first.states)
    # The SDK's own bookmark is inclusive only where a stream makes it so; this one does not.
    assert again.counts == {"authors": 2}
    assert again.statuses("books") == ["STARTED", "COMPLETE"]


def test_a_child_can_be_read_without_its_parent(
    streams: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    answer = read(LIBRARY, tmp_path, SETTINGS, configured(streams, "books"))
    assert answer.counts == {"books": 3}
    assert {each["author"] for each in answer.records_of("books")} == set(AUTHORS)


def test_columns_of_children_can_be_left_out(
    streams: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    del streams["books"]["json_schema"]["properties"]["author"]
    answer = read(LIBRARY, tmp_path, SETTINGS, configured(streams, "books"))
    assert {frozenset(row) for row in answer.records_of("books")} == {frozenset({"title", "year"})}


def test_a_parent_can_be_read_without_its_children(
    streams: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    answer = read(LIBRARY, tmp_path, SETTINGS, configured(streams, "authors"))
    assert answer.counts == {"authors": 2}
    assert not answer.statuses("books")


def test_odd_values_come_as_json_that_every_reader_takes(
    streams: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    answer = read(LIBRARY, tmp_path, SETTINGS, configured(streams, "odd"))
    values = [row["value"] for row in answer.records_of("odd")]
    assert values == [
        "? half of a pair", 2**70, [None, "?"], None, 1.10, "line\u2028end\n",
    ]  # fmt: skip
    warned = [log["message"] for log in answer.of_type("LOG") if log["level"] == "WARN"]
    assert any("odd values" in message for message in warned)


def test_a_defect_is_told_to_developers_and_stops_no_other_stream(
    streams: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    catalog = configured(streams, "broken", "odd")
    answer = read(LIBRARY, tmp_path, {**SETTINGS, "broken": True}, catalog)
    assert answer.code == 1
    assert answer.counts == {"broken": 1, "odd": 6}
    error = answer.errors["broken"]
    assert error["failure_type"] == "system_error"
    assert "example.org" not in error["message"]
    assert "KeyError: 'a.person@example.org'" in error["internal_message"]
    assert "in get_records" in error["stack_trace"]
    assert answer.statuses("broken") == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert answer.statuses("odd")[-1] == "COMPLETE"
    assert "broken" not in answer.counted_in_states()


def test_a_check_of_a_tap_that_knows_its_streams_reads_a_record_of_each(tmp_path: Path) -> None:
    assert ask(LIBRARY, "check", tmp_path, SETTINGS).status == {"status": "SUCCEEDED"}
    answer = ask(LIBRARY, "check", tmp_path, {**SETTINGS, "broken": True})
    # A defect is no answer about the service.
    assert (answer.code, answer.status["status"]) == (1, "FAILED")
    assert answer.errors[None]["failure_type"] == "system_error"


def test_wrong_settings_are_told_in_the_words_of_the_sdk(tmp_path: Path) -> None:
    answer = ask(LIBRARY, "check", tmp_path, {})
    assert answer.status["message"] == "'token' is a required property"
    answer = ask(LIBRARY, "discover", tmp_path, {})
    assert answer.code == 2
    assert answer.errors[None]["failure_type"] == "config_error"


def test_a_secret_in_the_log_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(stream: AuthorsStream, _: Context | None) -> Iterable[dict[str, Any]]:
        stream.logger.info("asking with %s", stream.config["token"])
        return iter(())

    monkeypatch.setattr(AuthorsStream, "get_records", tell)
    answer = ask(LIBRARY, "check", tmp_path, SETTINGS)
    said = [log["message"] for log in answer.of_type("LOG")]
    assert "asking with ***" in said
    assert not any("a-secret-token" in message for message in said)


def test_debug_logs_more(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"token": "t"}', encoding="utf-8")
    levels = Counter[str]()
    for option in ([], ["--debug"]):
        answer: Answer = run(LIBRARY, "check", "--config", str(file), *option)
        levels[" ".join(option)] = len(answer.of_type("LOG"))
    assert levels["--debug"] > levels[""]


def test_the_process_is_left_as_it_was(streams: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    def things() -> tuple[Any, ...]:
        root = logging.getLogger()
        signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return (root.level, root.handlers[:], signals, warnings.showwarning)

    before = things()
    read(LIBRARY, tmp_path, SETTINGS, configured(streams, "authors"))
    assert things() == before


def test_nobody_listening_ends_a_read(streams: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    class Closed(BytesIO):
        """Takes three lines, then breaks as a pipe does."""

        def write(self, line: Any) -> int:
            if self.getvalue().count(b"\n") == 3:
                raise BrokenPipeError
            return super().write(line)

    read(LIBRARY, tmp_path, SETTINGS, configured(streams))
    out = Closed()
    options = ["--config", str(tmp_path / "config.json")]
    options += ["--catalog", str(tmp_path / "catalog.json")]
    with pytest.raises(BrokenPipeError):
        LIBRARY.run(["read", *options], out)
    assert len(parse(out.getvalue())) == 3
