"""What can be wrong with a message: errors of the Singer SDK as well, which its tests ask for."""

from __future__ import annotations

from singer_sdk.exceptions import (
    InvalidJSONSchema,
    InvalidRecord,
    MissingKeyPropertiesError,
    RecordsWithoutSchemaException,
)
from singer_sdk.singerlib.exceptions import InvalidInputLine

from target_duckdb.errors import TargetError


class SchemaError(TargetError, InvalidJSONSchema):
    """A SCHEMA message that no table can be made from."""


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
