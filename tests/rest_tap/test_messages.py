"""Messages are JSON lines in UTF-8, whatever they hold."""

from __future__ import annotations

import io
import json
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib import RecordMessage, StateMessage

from rest_tap.writers.messages import BufferedWriter, encode, encode_lines
from tap_kananas.tap import TapKananas
from tap_kizen.tap import TapKizen

if TYPE_CHECKING:
    import pytest

RECORD = {"name": "Zoé \u2028", "half": "\ud800", "big": 2**70, "exact": Decimal("1.10")}


def test_what_is_written_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    writer = BufferedWriter()
    now = datetime(2026, 3, 31, tzinfo=timezone.utc)
    plain = {name: value for name, value in RECORD.items() if name != "half"}
    for record in (RECORD, plain):
        writer.write_message(RecordMessage("contacts", record, version=3, time_extracted=now))
    writer.write_message(StateMessage({"bookmarks": {}}))
    assert isinstance(out.buffer, io.BytesIO)
    lines = out.buffer.getvalue().decode("utf-8").rstrip("\n").split("\n")
    first, second, state = (json.loads(line, parse_float=Decimal) for line in lines)
    assert first["record"] == RECORD
    assert second["record"] == plain
    assert (second["version"], second["stream"]) == (3, "contacts")
    assert datetime.fromisoformat(second["time_extracted"].replace("Z", "+00:00")) == now
    assert state == {"type": "STATE", "value": {"bookmarks": {}}}


def test_each_value_has_a_line_of_its_own() -> None:
    half, several = {"half": "\ud800"}, msgspec.Raw(b'{"a": [1.10,\r\n 2]}')
    cases: list[list[Any]] = [[half], [several], [several, half, {"b": several}], [], [{}, []]]
    for values in cases:
        lines = encode_lines(values).split(b"\n")
        assert lines.pop() == b""
        assert [json.loads(line) for line in lines] == [json.loads(encode(v)) for v in values]
    assert encode_lines([several]) == b'{"a":[1.10,2]}\n'


def test_many_records_are_written_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    now = datetime(2026, 3, 31, tzinfo=timezone.utc)
    records: list[dict[str, Any]] = [{"id": 1}, RECORD]
    for is_one_by_one in (True, False):
        out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", out)
        writer = BufferedWriter()
        if is_one_by_one:
            for record in records:
                message = RecordMessage("contacts", record, version=3, time_extracted=now)
                writer.write_message(message)
        else:
            message = RecordMessage("contacts", {}, version=3, time_extracted=now)
            writer.write_records(message, records)
        writer.write_message(StateMessage({}))
        assert isinstance(out.buffer, io.BytesIO)
        written.append(out.buffer.getvalue())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == 3


def test_a_state_is_seen_at_once_with_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.BytesIO()
    out = io.TextIOWrapper(io.BufferedWriter(_Raw(seen)), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", out)
    writer = BufferedWriter()
    writer.write_message(RecordMessage("contacts", {"id": 1}))
    assert seen.getvalue() == b""
    writer.write_message(StateMessage({}))
    assert seen.getvalue().count(b"\n") == 2


class _Raw(io.RawIOBase):
    """Passes on what reaches the operating system."""

    def __init__(self, seen: io.BytesIO) -> None:
        self._seen = seen

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._seen.write(bytes(data))  # type: ignore[call-overload]


def test_both_taps_write_with_it() -> None:
    assert TapKananas.message_writer_class is BufferedWriter
    assert TapKizen.message_writer_class is BufferedWriter
