"""What can go wrong in a load, each as one line that names the place and the way out."""

from __future__ import annotations

from singer_sdk.exceptions import (
    InvalidJSONSchema,
    InvalidRecord,
    MissingKeyPropertiesError,
    RecordsWithoutSchemaException,
)
from singer_sdk.singerlib.exceptions import InvalidInputLine


class TargetError(Exception):
    """A load that cannot go on. Its text is one line, free of record values and secrets."""


class SettingError(TargetError):
    """A setting that is wrong, whatever is loaded."""


class DatabaseLockedError(TargetError):
    """Another process held the database file for longer than `lock_timeout`."""


class CheckpointError(TargetError):
    """Rows that are committed, and cannot be moved from DuckDB's log into its file."""


class SchemaError(TargetError, InvalidJSONSchema):
    """A SCHEMA message that no table can be made from."""


class EvolutionError(TargetError):
    """A column of the table and its new schema have no common type."""


class BatchError(TargetError):
    """A BATCH message or one of its files that cannot be read."""


class MessageError(TargetError, InvalidInputLine):
    """A line that is no Singer message: not JSON, or of an unknown type."""


class NoSchemaError(TargetError, RecordsWithoutSchemaException):
    """A message for a stream whose SCHEMA has not arrived."""


class RecordError(TargetError, InvalidRecord):
    """A record that breaks its schema or does not fit its column."""

    def __init__(self, message: str) -> None:
        """Keep the message alone: the record may be personal data and stays out of logs."""
        Exception.__init__(self, message)


class MissingKeyError(RecordError, MissingKeyPropertiesError):
    """A record whose key is missing or null."""


class InvalidValueError(ValueError):
    """Why one record cannot be loaded, without the place it stands at.

    Attributes:
        name: The property whose value it is; empty where that is not known.
    """

    def __init__(self, message: str, name: str = "") -> None:
        """Keep the name beside the message."""
        super().__init__(message)
        self.name = name


class WideIntegerError(InvalidValueError):
    """An integer of more than 64 bits, where its schema promised none."""


class InvalidKeyError(InvalidValueError):
    """A record without a value for one of its keys."""
