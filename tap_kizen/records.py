"""The records of an object: companies, contacts, deals, and whatever an account defines."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rest_tap.errors import RefusedError, UnavailableError
from rest_tap.writers.messages import encode
from tap_kizen.bookmarks import Bookmark
from tap_kizen.pagination.keyset import KeysetPaginator
from tap_kizen.pagination.paginator import Page
from tap_kizen.pagination.reverse import ReversePaginator
from tap_kizen.reading import KizenStream, in_order
from tap_kizen.rows.columns import mark_of, schema_of
from tap_kizen.rows.typed_fields import TypedFields
from tap_kizen.rows.values import Fit, unwrap
from tap_kizen.timestamps import parse_timestamp, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_kizen.account import Entity
    from tap_kizen.pagination.paginator import PageRequest, Paginator
    from tap_kizen.rows.columns import FieldColumns
    from tap_kizen.rows.typed import TypedRecords


#: Stands for a value that is not in the record but in a list of its own.
ELSEWHERE = object()


class ValuesPage(Page):
    """One page of the values of a field, which need not be objects."""

    results: list[Any]


class FieldValuesStream(KizenStream):
    """The values of one field of one record, where a record only tells how many there are."""

    page_type = ValuesPage
    list_type = list[Any]
    name = "field_values"
    path = "/records/{record_id}/field-values/{field_id}"
    ordering = None
    may_be_bare = True
    has_ids = False
    optional = False

    def __init__(self, tap: Tap) -> None:
        """Read on behalf of a record stream."""
        super().__init__(tap, schema={"type": "object", "properties": {}})

    def key(self, record: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the id of a value; None where it has none."""
        return super().key(record) if isinstance(record, dict) else None

    def dedup_key(self, record: Any) -> Any:  # noqa: ANN401
        """Tell a value without an id from others by all that it holds.

        The list is read in both directions: most of it comes twice.
        """
        own_id = self.key(record)
        return encode(record).decode() if own_id is None else own_id

    def leave_out(self, reason: str) -> None:
        """Take no part of the values for all of them.

        Raises:
            UnavailableError: With the reason.
        """
        message = f"{self.name}: {reason}"
        raise UnavailableError(message)


class RecordsStream(KizenStream):
    """The records of one object, with a typed column per field."""

    _bookmark: Bookmark

    #: After how many pages the last STATE message went out.
    _pages_told = 0

    def __init__(self, tap: Tap, name: str, entity: Entity) -> None:
        """Read the given object as the stream of the given name."""
        super().__init__(
            tap,
            name=name,
            schema=schema_of(entity.columns),
            path=f"/records/{quote(entity.name, safe='')}/search",
            http_method="POST",
        )
        self._object_id = entity.id
        self._by_id = {each.field.id: each for each in entity.columns}
        self._by_column = {each.names[0]: each for each in entity.columns}
        self._plain = {key: each.field.type.plain for key, each in self._by_id.items()}
        self._values = FieldValuesStream(tap)
        if "updated" in self._by_column:
            self.replication_key = "updated"

    # Requests

    def prepare_request_payload(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: PageRequest | None,
    ) -> Mapping[str, Any]:
        """Ask for all records, or for those changed at or after a moment."""
        since = next_page_token.since if next_page_token else None
        if since is None:
            return {"and": True, "query": []}
        changed = {
            "type": "fields",
            "subtype": "non_custom",
            "field": "updated",
            "condition": ">=",
            "value": to_milliseconds(since),
        }
        return {"and": True, "query": [{"and": True, "filters": [changed]}]}

    def decode(self, response: requests.Response) -> Page:
        """Decode a page, and learn the service's time from it."""
        self._bookmark.answered(response)
        return super().decode(response)

    # Which records

    def begin(self, context: Context | None) -> bool:
        """Take up the bookmark, and decide whether all records are read."""
        self._bookmark = Bookmark(self, self.get_context_state(context), self.kizen.service.time)
        self._pages_told = 0
        self._stream_version = self._bookmark.version
        return self._bookmark.is_whole_table

    def paginators(self) -> list[Callable[[], Paginator]]:
        """Return the ways to read the records: with the filter, if it is of use, and without."""
        since = self._bookmark.since
        ways = super().paginators()
        if since is None or self.replication_key is None or self.kizen.service.is_filter_refused:
            return ways
        ways.insert(0, lambda: ReversePaginator(self, "created", self.pages, since))
        if not self.kizen.service.is_order_ignored:
            proven, until = self.kizen.service.is_order_proven, self.kizen.period.end
            ways.insert(0, lambda: KeysetPaginator(self, since, is_proven=proven, until=until))
        return ways

    def way_failed(self, error: Exception) -> None:
        """Remember for all objects what the service does not do; say so once."""
        is_refused = isinstance(error, RefusedError)
        if isinstance(self._paginator, KeysetPaginator):
            # A refusal may mean the filter: the next way tells.
            self.kizen.service.is_order_ignored = True
            self.logger.log(
                logging.INFO if is_refused else logging.WARNING,
                "the service does not order records by 'updated': an interrupted run begins anew, "
                "and changes during a run are read again by the next one",
            )
        elif self._paginator.current_value.since is None or not is_refused:
            super().way_failed(error)
        else:
            self.kizen.service.is_filter_refused = True
            self.logger.warning(
                "the service refuses the filter on 'updated': all records are read, and those "
                "without a change are left out here (%s)",
                error,
            )

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the wanted records as rows."""
        for raw in super().read(context):
            row = self.row_of(raw)
            if row is not None:
                yield row
                self._advance()
        self._tell_what_may_be_missed()

    def read_rows(self, context: Context | None) -> Iterator[list[Any]]:
        """Yield the rows of the wanted records, page by page."""
        for rows in super().read_rows(context):
            yield rows
            self._advance()
        self._tell_what_may_be_missed()

    def row_of(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Make a row of a record as the service sent it; None where it is not wanted."""
        row = self.row(record)
        updated = row["updated"]
        is_wanted = self._bookmark.wants(parse_timestamp(updated) if updated else None)
        return row if is_wanted else None

    def wants(self, record: Any) -> bool:  # noqa: ANN401 - a typed record
        """Return whether a record is to be sent, and note it."""
        return self._bookmark.wants(self.timestamp(record, "updated"))

    def _tell_what_may_be_missed(self) -> None:
        if self._may_have_missed:
            self.leave_out(
                "records changed while they were read in the order of their creation; the next "
                "run reads from where this one began"
            )

    @property
    def _may_have_missed(self) -> bool:
        """Whether a change during the read may have pushed a record onto a page behind it."""
        is_filtered = self._paginator.current_value.since is not None
        has_pages = self._paginator.count > 1
        in_order_of_creation = (
            is_filtered and has_pages and not isinstance(self._paginator, KeysetPaginator)
        )
        return in_order_of_creation and self._bookmark.has_moved

    def _advance(self) -> None:
        """Move the bookmark where all that is still to come changed later."""
        if isinstance(self._paginator, KeysetPaginator) and self._paginator.is_sorted:
            self.kizen.service.is_order_proven = True
            if not self._bookmark.is_whole:
                self._bookmark.save()
                # Records on their way into a file have not been sent.
                in_files = self.get_batch_config(self.config) is not None
                if self._paginator.count > self._pages_told and not in_files:
                    self._pages_told = self._paginator.count
                    self._write_state_message()

    def conclude(self, context: Context | None) -> None:
        """Move the bookmark to what has been read, if that is certain to be all."""
        if not self._has_gaps:
            self._bookmark.save()
        super().conclude(context)

    def note_record(self, record: Record, context: Context | None) -> None:
        """Leave the bookmark to `read`, which knows the order that records come in."""

    # Records as rows

    def column_marks(self) -> Mapping[str, tuple[str, ...]]:
        """Return marks for each field of which a column is selected, by its first column.

        They change with the type and the columns of the field, and with the object: one that was
        made anew under the same name has other records. A hidden field may come without its
        values, so one that is hidden no longer is new. The values of large fields are, too, where
        they were not fetched before.
        """
        marks = {}
        for each in self._by_id.values():
            names = [name for name in each.names if name not in self.unwanted]
            if names:
                facts = (self._object_id, each.field.id, each.field.field_type, names)
                shown = mark_of(*facts, each.field.type.columns)
                hidden = (mark_of(shown, "hidden"), shown)
                marks[names[0]] = hidden if each.field.is_hidden else (shown,)
        if self.config["fetch_large_values"]:
            marks["fetch_large_values"] = (mark_of("fetch_large_values"),)
        return marks

    @cached_property
    def _empty_row(self) -> dict[str, Any]:
        return dict.fromkeys(self.columns)

    @cached_property
    def typed_records(self) -> TypedRecords | None:
        """What decodes records that are as usual."""
        return TypedFields.of(list(self._by_id.values()), list(self.columns))

    def other_keys(self, record: dict[str, Any]) -> Iterable[str]:
        """Return the keys of a record that have no column."""
        return record.keys() - {"id", "fields"}

    def timestamp_of(self, record: dict[str, Any], name: str) -> datetime | None:
        """Return a time of a record as the service sent it, which is the value of a field."""
        field = self._by_column.get(name)
        fields = record.get("fields")
        if field is None or not isinstance(fields, dict):
            return None
        value = unwrap(value_of(fields.get(field.field.id)))
        return parse_timestamp(value) if isinstance(value, str) else None

    def row(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Put a record into columns.

        Args:
            raw: A record as the service sent it: `{id, fields: {field id: {id, name,
                field_type, value}}, …}`.

        Returns:
            A value or null per column. `additional_fields` holds all other keys of the
            record, and under `fields`, by name, the values that no column holds whole.
        """
        row = self._empty_row.copy()
        others = {key: value for key, value in raw.items() if key not in {"id", "fields"}}
        row["id"] = raw.get("id")
        kept: dict[str, Any] = {}
        for key, entry in _entries(raw.get("fields")):
            each = self._by_id.get(key) or self._columns_of(entry)
            if each is None:
                kept[_name(key, entry)] = entry
                continue
            if self.unwanted and self.unwanted.issuperset(each.names):
                continue
            # The usual shape first: this runs for every field of every record.
            is_usual = type(entry) is dict and "value" in entry
            value = entry["value"] if is_usual else value_of(entry)
            if value is None:
                continue
            if type(value) is self._plain[each.field.id]:
                row[each.names[0]] = value
                continue
            fit = self._fit(raw, each, value)
            row.update(zip(each.names, fit.values, strict=True))
            if not fit.is_whole and self.unwanted.isdisjoint(each.names):
                kept[each.field.name] = entry
        if kept:
            others["fields"] = kept
        row["additional_fields"] = in_order(others)
        return row

    def _columns_of(self, entry: Any) -> FieldColumns | None:  # noqa: ANN401
        return self._by_id.get(str(entry.get("id"))) if isinstance(entry, dict) else None

    def _fit(self, raw: Mapping[str, Any], each: FieldColumns, value: Any) -> Fit:  # noqa: ANN401
        """Put a field's value into its columns, fetched from its own list if it is not there."""
        if value is ELSEWHERE:
            value = self._fetch(str(raw.get("id")), each.field.id)
            if value is None:
                return Fit((None,) * len(each.names), is_whole=False)
        return each.field.type.fit(value)

    def _fetch(self, record_id: str, field_id: str) -> list[dict[str, Any]] | None:
        if not self.config["fetch_large_values"]:
            return None
        try:
            return list(self._values.read({"record_id": record_id, "field_id": field_id}))
        except UnavailableError as error:
            self.logger.warning("%s: %s", self.name, error)
            return None

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Leave a row as it is: it was made to fit."""
        return row


def value_of(entry: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Take the value out of a field's entry in a record.

    An entry is `{id, name, field_type, display_name, value}`. A long list of values is told
    by `value_summary` instead, and kept in a list of its own: `ELSEWHERE`. An entry without
    either has no value. Anything else is the value itself.
    """
    if not isinstance(entry, dict):
        return entry
    if "value" in entry:
        return entry["value"]
    if "value_summary" in entry:
        return ELSEWHERE
    return None if entry.keys() & {"field_type", "display_name"} else entry


def _name(key: str, entry: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(entry.get("name") or key) if isinstance(entry, dict) else key


def _entries(fields: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401
    """Return the fields of a record by key, though they come as a list."""
    if isinstance(fields, dict):
        return fields.items()
    if isinstance(fields, list):
        return [(str(entry.get("id")), entry) for entry in fields if isinstance(entry, dict)]
    return []
