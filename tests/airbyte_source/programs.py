"""Run an Airbyte source as Airbyte does: by its command line, with JSON files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from airbyte_protocol.models import AirbyteMessage

from tap_kananas.airbyte import SOURCE as KANANAS
from tap_kizen.airbyte import SOURCE as KIZEN
from tests.programs import kananas_settings, kizen_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airbyte_source.source import Source

SOURCES: dict[str, Source] = {"kananas": KANANAS, "kizen": KIZEN}
SETTINGS: dict[str, Callable[..., dict[str, Any]]] = {
    "kananas": kananas_settings,
    "kizen": kizen_settings,
}


def parse(out: bytes) -> list[dict[str, Any]]:
    """Give the messages of an output, each of which is a message of the protocol."""
    assert not out or out.endswith(b"\n")
    messages = [json.loads(line) for line in out.splitlines()]
    for message in messages:
        AirbyteMessage.parse_obj(message)
        # The models take what they do not know; a message has its type and one content.
        assert len(message) == 2
    return messages


@dataclass(frozen=True)
class Answer:
    """What a source said, and how it ended."""

    code: int
    messages: list[dict[str, Any]]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        found = [message for message in self.messages if message["type"] == kind]
        (name,) = {key for message in found for key in message if key != "type"} or {""}
        return [message[name] for message in found]

    @property
    def status(self) -> dict[str, Any]:
        (status,) = self.of_type("CONNECTION_STATUS")
        return status

    @property
    def streams(self) -> dict[str, dict[str, Any]]:
        (catalog,) = self.of_type("CATALOG")
        return {stream["name"]: stream for stream in catalog["streams"]}

    def records_of(self, stream: str) -> list[dict[str, Any]]:
        return [each["data"] for each in self.of_type("RECORD") if each["stream"] == stream]

    @property
    def counts(self) -> Counter[str]:
        return Counter(each["stream"] for each in self.of_type("RECORD"))

    @property
    def states(self) -> list[dict[str, Any]]:
        """The last state of each stream, as it is given back."""
        last = {each["stream"]["stream_descriptor"]["name"]: each for each in self.of_type("STATE")}
        return list(last.values())

    def counted_in_states(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for each in self.of_type("STATE"):
            name = each["stream"]["stream_descriptor"]["name"]
            counted[name] += each["sourceStats"]["recordCount"]
        return counted

    def traces(self, kind: str) -> list[dict[str, Any]]:
        return [each[kind.lower()] for each in self.of_type("TRACE") if each["type"] == kind]

    def statuses(self, stream: str) -> list[str]:
        """What was said of how far a stream is; with a mark where it waits."""
        return [
            each["status"] + ("*" if "reasons" in each else "")
            for each in self.traces("STREAM_STATUS")
            if each["stream_descriptor"]["name"] == stream
        ]

    @property
    def errors(self) -> dict[str | None, dict[str, Any]]:
        """The errors, by the stream they name."""
        return {
            each.get("stream_descriptor", {}).get("name"): each for each in self.traces("ERROR")
        }


def write(folder: Path, name: str, content: Any) -> str:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)


def run(source: Source, *arguments: str) -> Answer:
    out = BytesIO()
    code = source.run(arguments, out)
    return Answer(code, parse(out.getvalue()))


def ask(source: Source, command: str, folder: Path, settings: Mapping[str, Any]) -> Answer:
    """Run a command that needs settings only."""
    return run(source, command, "--config", write(folder, "config", settings))


def configured(
    streams: Mapping[str, dict[str, Any]], *names: str, mode: str = "full_refresh"
) -> dict[str, Any]:
    """Choose streams of a catalog: all, or those named."""
    return {
        "streams": [
            {
                "stream": streams[name],
                "sync_mode": mode,
                "destination_sync_mode": "append",
                "cursor_field": None,
            }
            for name in names or streams
        ]
    }


def read(
    source: Source,
    folder: Path,
    settings: Mapping[str, Any],
    catalog: Mapping[str, Any],
    states: Any = None,
) -> Answer:
    """Run `read`."""
    arguments = ["--config", write(folder, "config", settings)]
    arguments += ["--catalog", write(folder, "catalog", catalog)]
    if states is not None:
        arguments += ["--state", write(folder, "state", states)]
    return run(source, "read", *arguments)
