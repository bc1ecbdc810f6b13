"""The fixed lists of Kizen, as small classes: path, paging, times, columns.

Columns are the keys that the documentation, Kizen's own public code or a third-party
connector name, and `name` or a person's names, which are filled where an answer has them.
All other keys of an answer are kept in `additional_fields`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th

from rest_tap.errors import UnavailableError
from tap_kizen.bookmarks import Bookmark
from tap_kizen.reading import KizenStream
from tap_kizen.rows.shapes import ANY, BOOLEAN, LIST, MOMENT, OBJECT, STRING, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record


def _nested(*names: str) -> th.CustomType:
    """Return the schema of a nested value: the names of its keys are known, their types are not."""
    return th.CustomType({**ANY, "properties": {name: {} for name in names}})


NAMED = _nested("id", "name")

ADDRESS = _nested(
    "full_name", "street_address", "street_address_2", "city", "postal_code", "state", "country"
)


class LegacyStream(KizenStream):
    """A list of the older API, whose filter on time stands here: none is documented."""

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Leave out what was created before `start_date`, or from `end_date` on."""
        return super().post_process(row, context) if self.wants(row) else None

    def wants(self, record: Any) -> bool:  # noqa: ANN401 - as the service sent it, or typed
        """Return whether a record was created between `start_date` and `end_date`."""
        period = self.kizen.period
        if not period.is_bounded:
            return True
        created = self.timestamp(record, "created")
        return created is None or period.holds(created)

    def begin(self, context: Context | None) -> bool:
        """Count nothing as gone that `start_date` or `end_date` leaves out."""
        return super().begin(context) and not self.kizen.period.is_bounded


class CompaniesStream(LegacyStream):
    """Companies by the older, documented route `GET /company`; `custom_fields` whole.

    The keys of a record are as a third-party connector read them: id, name, email, phones,
    addresses, tags, domains, created and `custom_fields`.
    """

    name = "companies"
    path = "/company"
    optional = False

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType(), required=True),
        th.Property("name", th.StringType(nullable=True)),
        th.Property("email", th.StringType(nullable=True)),
        th.Property("mobile_phone", th.StringType(nullable=True)),
        th.Property("business_phone", th.StringType(nullable=True)),
        th.Property("addresses", th.ArrayType(ADDRESS, nullable=True)),
        th.Property("tags", th.ArrayType(NAMED, nullable=True)),
        th.Property("domains", th.ArrayType(NAMED, nullable=True)),
        th.Property("created", th.DateTimeType(nullable=True)),
        th.Property("custom_fields", th.CustomType(OBJECT)),
        th.Property("additional_fields", th.CustomType(OBJECT)),
    ).to_dict()


class ClientsStream(LegacyStream):
    """Contacts by the older route `GET /client`; only with `legacy_clients`.

    A third-party connector reads that route.
    """

    name = "clients"
    path = "/client"
    schema: ClassVar[dict[str, Any]] = table(
        first_name=STRING,
        last_name=STRING,
        email=STRING,
        mobile_phone=STRING,
        business_phone=STRING,
        created=MOMENT,
        custom_fields=OBJECT,
    )


class CustomObjectsStream(KizenStream):
    """The objects of the account; `name` is the API name."""

    name = "custom_objects"
    path = "/custom-objects?custom_only=false"
    schema: ClassVar[dict[str, Any]] = table(
        name=STRING,
        object_name=STRING,
        entity_name=STRING,
        object_type=STRING,
        is_custom=BOOLEAN,
        description=STRING,
        created=MOMENT,
    )


class ChildStream(KizenStream):
    """A list per parent record. All are read in one go, under one SCHEMA message."""

    #: The column that holds the parent's id.
    parent_key: ClassVar[str]

    #: Each record gets its parent's id, and so is looked at.
    has_rows = False

    @property
    def expected_records(self) -> int | None:
        """Unknown: an answer counts the records of one parent."""
        return None

    def parent_ids(self) -> Iterable[str]:
        """Return the ids of the parents."""
        raise NotImplementedError

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """Yield the records of every parent, each with its parent's id."""
        for parent_id in self.parent_ids():
            yield from self.read_of(parent_id)

    def read_of(self, parent_id: str) -> Iterator[dict[str, Any]]:
        """Yield the records of one parent; a parent that is not visible is left out."""
        parent = {self.parent_key: parent_id}
        try:
            for record in super().read(parent):
                yield {**parent, **record}
        except UnavailableError as error:
            self.leave_out(str(error))


class CustomObjectFieldsStream(ChildStream):
    """The fields of every object (`object_id`)."""

    name = "custom_object_fields"
    path = "/custom-objects/{object_id}/fields"
    parent_key = "object_id"
    has_pages = False
    may_be_bare = True
    schema: ClassVar[dict[str, Any]] = table(
        object_id=STRING,
        name=STRING,
        display_name=STRING,
        field_type=STRING,
        category=STRING,
        is_required=BOOLEAN,
        is_read_only=BOOLEAN,
        is_hidden=BOOLEAN,
        options=LIST,
        relation=OBJECT,
    )

    def parent_ids(self) -> Iterable[str]:
        """Return the ids of the objects."""
        return [entity.id for entity in self.kizen.account.objects]


class PipelineStagesStream(ChildStream):
    """The stages of every object of type `pipeline` (`object_id`)."""

    name = "pipeline_stages"
    path = "/pipelines/{object_id}/stages?ordering=order"
    parent_key = "object_id"
    ordering = None
    may_be_bare = True
    schema: ClassVar[dict[str, Any]] = table(object_id=STRING, name=STRING)

    def parent_ids(self) -> Iterable[str]:
        """Return the ids of the pipelines."""
        return [entity.id for entity in self.kizen.account.objects if entity.is_pipeline]


class ActivityTypesStream(KizenStream):
    """The kinds of activity of the account."""

    name = "activity_types"
    path = "/activities"
    schema: ClassVar[dict[str, Any]] = table(name=STRING, created=MOMENT)


class LoggedActivitiesStream(ChildStream):
    """What was done, of every kind of activity (`activity_type_id`).

    No filter on time is documented, so every page is read; records logged before the
    bookmark are left out here. Now and then all are sent, to find the vanished ones.
    """

    name = "logged_activities"
    path = "/activities/{activity_type_id}/responses"
    parent_key = "activity_type_id"
    ordering = None
    replication_key = "logged_at"
    schema: ClassVar[dict[str, Any]] = table(activity_type_id=STRING, logged_at=MOMENT)

    _bookmark: Bookmark

    def __init__(self, tap: Tap) -> None:
        """Ask with POST."""
        super().__init__(tap, http_method="POST")

    def prepare_request_payload(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: Any,  # noqa: ANN401, ARG002
    ) -> Mapping[str, Any]:
        """Ask for all: an empty object."""
        return {}

    def parent_ids(self) -> Iterable[str]:
        """Yield the ids of the kinds of activity.

        Raises:
            FatalAPIError: If one has an id that nothing can be asked for by.
        """
        kinds = ActivityTypesStream(self._tap)
        for record in list(kinds.read(None)):
            yield kinds.text_id(record)
        if kinds.shortfall is not None:
            self.leave_out(str(kinds.shortfall))

    def begin(self, context: Context | None) -> bool:
        """Take up the bookmark."""
        self._bookmark = Bookmark(self, self.get_context_state(context), self.kizen.service.time)
        self._stream_version = self._bookmark.version
        return self._bookmark.is_whole_table

    def read(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield what was logged in the period asked for."""
        for record in super().read(context):
            if self._bookmark.wants(self.timestamp(record, "logged_at")):
                yield record

    def conclude(self, context: Context | None) -> None:
        """Move the bookmark, unless a kind of activity could not be read."""
        if not self._has_gaps:
            self._bookmark.save()
        super().conclude(context)

    def note_record(self, record: Record, context: Context | None) -> None:
        """Leave the bookmark to `conclude`: the list comes in no order of time."""


class ScheduledActivitiesStream(KizenStream):
    """What is to be done."""

    name = "scheduled_activities"
    path = "/activities/scheduled-activity"
    schema: ClassVar[dict[str, Any]] = table(
        created=MOMENT, due_datetime=MOMENT, completed_at=MOMENT
    )


class FormsStream(KizenStream):
    """Forms, without what was submitted: no public route reads it."""

    name = "forms"
    path = "/forms"
    schema: ClassVar[dict[str, Any]] = table(name=STRING, created=MOMENT)


class SurveysStream(KizenStream):
    """Surveys."""

    name = "surveys"
    path = "/surveys"
    schema: ClassVar[dict[str, Any]] = table(name=STRING, created=MOMENT)


class TeamStream(KizenStream):
    """The people who use Kizen."""

    name = "team"
    path = "/team"
    ordering = None
    may_be_bare = True
    schema: ClassVar[dict[str, Any]] = table(first_name=STRING, last_name=STRING, email=STRING)


class RolesStream(KizenStream):
    """Roles."""

    name = "roles"
    path = "/role"
    ordering = None
    schema: ClassVar[dict[str, Any]] = table(name=STRING)


class PermissionGroupsStream(KizenStream):
    """Permission groups."""

    name = "permission_groups"
    path = "/permission-group"
    ordering = None
    schema: ClassVar[dict[str, Any]] = table(name=STRING)


class AutomationsStream(KizenStream):
    """Automations."""

    name = "automations"
    path = "/automation2/automations"
    schema: ClassVar[dict[str, Any]] = table(name=STRING, created=MOMENT)


def fixed_streams() -> list[type[KizenStream]]:
    """Return the lists of the current API that an account may have, in the order they stand in."""
    return [
        each
        for each in globals().values()
        if isinstance(each, type)
        and issubclass(each, KizenStream)
        and "path" in vars(each)
        and not issubclass(each, LegacyStream)
    ]
