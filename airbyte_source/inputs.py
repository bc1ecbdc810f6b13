"""What a command is given: settings, a configured catalog and an earlier state, as JSON files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from singer_sdk.exceptions import ConfigurationError

SyncMode = Literal["full_refresh", "incremental"]


class Descriptor(msgspec.Struct):
    """Names a stream."""

    name: str


class Stream(msgspec.Struct):
    """A stream as it was discovered, less the columns that were deselected."""

    name: str
    json_schema: dict[str, Any]


class ConfiguredStream(msgspec.Struct):
    """A stream that is to be read, and how."""

    stream: Stream
    sync_mode: SyncMode

    @property
    def columns(self) -> frozenset[str] | None:
        """The names of the wanted columns; None for all."""
        properties = self.stream.json_schema.get("properties")
        return None if properties is None else frozenset(properties)


class ConfiguredCatalog(msgspec.Struct):
    """The streams that are to be read."""

    streams: list[ConfiguredStream]


class StreamState(msgspec.Struct):
    """Where a read of a stream goes on."""

    stream_descriptor: Descriptor
    stream_state: dict[str, Any] | None = None


class GlobalState(msgspec.Struct):
    """The states of all streams in one."""

    stream_states: list[StreamState]


class State(msgspec.Struct, rename={"global_": "global"}):
    """A state message that came back."""

    stream: StreamState | None = None
    global_: GlobalState | None = None

    @property
    def stream_states(self) -> list[StreamState]:
        """The states of streams it holds."""
        if self.stream is not None:
            return [self.stream]
        return [] if self.global_ is None else self.global_.stream_states


def _read(option: str, path: str, shape: Any) -> Any:  # noqa: ANN401 - a shape, a value of it
    """Read a JSON file into a shape that msgspec knows.

    Raises:
        ConfigurationError: If there is no such file, or it holds anything else.
    """
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=shape)
    except OSError as error:
        message = f"{option}: {path}: {error.strerror}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{option}: {path}: {error}"
    raise ConfigurationError(message)


def read_settings(path: str) -> dict[str, Any]:
    """Read settings; a setting that is null counts as not given.

    Raises:
        ConfigurationError: If the file holds no JSON object.
    """
    settings: dict[str, Any] = _read("--config", path, dict[str, Any])
    return {name: value for name, value in settings.items() if value is not None}


def read_catalog(path: str) -> dict[str, ConfiguredStream]:
    """Read the streams to be read, by name.

    Raises:
        ConfigurationError: If the file holds no configured catalog.
    """
    catalog: ConfiguredCatalog = _read("--catalog", path, ConfiguredCatalog)
    return {configured.stream.name: configured for configured in catalog.streams}


def read_state(path: str | None) -> dict[str, dict[str, Any]]:
    """Read the states of streams, by name.

    Args:
        path: A list of state messages, each of one stream or of all; `{}` and None stand for
            a first read.

    Raises:
        ConfigurationError: If the file holds anything else.
    """
    if path is None:
        return {}
    if _read("--state", path, Any) == {}:
        return {}
    given: list[State] = _read("--state", path, list[State])
    states = [each for message in given for each in message.stream_states]
    return {each.stream_descriptor.name: each.stream_state or {} for each in states}
