"""The streams of Kananas."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_kananas.client import KananasStream
from tap_kananas.discovery import Columns, Kind, fit, learn
from tap_kananas.keys import explain_unfit_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.helpers.types import Context, Record


class ContactsStream(KananasStream):
    """All contacts of the account: members, donors, volunteers, suppliers.

    The schema is learnt from the very answer whose records are sent, so that each column
    has the type its values need. A catalog says which columns are wanted; it does not
    narrow what they hold.
    """

    name = "contacts"
    request = "contacts"

    @property
    def primary_keys(self) -> Sequence[str]:
        """The key the setting names."""
        return tuple(self.config["primary_keys"])

    @primary_keys.setter
    def primary_keys(self, new_value: Sequence[str]) -> None:
        """Leave the key to the setting: it is checked against the account."""

    @cached_property
    def answer(self) -> list[dict[str, Any]]:
        """The account's contacts, asked for once in the life of the stream.

        Raises:
            FatalAPIError: If the answer holds no records, or the key does not fit them.
        """
        records = list(self.request_records(None))
        problem = explain_unfit_key(records, self.primary_keys)
        if problem:
            message = f"{self.name}: {problem}: check {self.setting('primary_keys')}"
            raise FatalAPIError(message)
        return records

    @cached_property
    def columns(self) -> Columns:
        """What the account's columns hold."""
        return learn(self.answer)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The schema of the account's contacts."""
        return self.columns.schema(self.primary_keys)

    @cached_property
    def kinds(self) -> dict[str, Kind | None]:
        """The kind of each column."""
        return self.columns.kinds

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """Yield the records of the answer the schema was learnt from."""
        yield from self.answer

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Give each value in the type of its column."""
        return {name: fit(value, self.kinds[name]) for name, value in row.items()}
