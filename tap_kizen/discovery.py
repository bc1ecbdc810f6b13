"""Ask what an account has, and make its streams."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import DiscoveryError

from rest_tap.errors import UnavailableError
from rest_tap.names import LOADER_TABLES
from tap_kizen.account import Account, Entity
from tap_kizen.records import RecordsStream
from tap_kizen.rows.columns import fields_of, name_columns
from tap_kizen.streams import (
    ClientsStream,
    CompaniesStream,
    CustomObjectFieldsStream,
    CustomObjectsStream,
    fixed_streams,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Tap

    from tap_kizen.reading import KizenStream


def explore(tap: Tap) -> Account:
    """Ask the service what the account has.

    Costs one request for each generation of the API, and one for each object's fields.

    Raises:
        DiscoveryError: If neither generation of the API answers, or not all objects came.
        FatalAPIError: If an object has an id that nothing can be asked for by.
    """
    companies = CompaniesStream(tap)
    objects = CustomObjectsStream(tap)
    refusal = companies.refusal()
    has_companies = refusal is None
    try:
        records = list(objects.read(None))
    except UnavailableError as error:
        if refusal is not None:
            message = f"this API user can read nothing: {refusal}; {error}"
            raise DiscoveryError(message) from error
        tap.logger.info("The account has no objects: only /company is read")
        return Account(has_companies, has_objects=False, objects=[])
    if objects.shortfall is not None:
        raise DiscoveryError(str(objects.shortfall))
    fields = CustomObjectFieldsStream(tap)
    entities = [_entity(objects.text_id(record), record, fields) for record in records]
    nameless = [entity.id for entity in entities if entity.name == entity.id]
    if nameless:
        tap.logger.warning(
            "custom_objects: no API name for %s: each is a stream named by its id",
            ", ".join(sorted(nameless)),
        )
    tap.logger.info("The account has %d objects", len(entities))
    entities.sort(key=lambda entity: entity.id)
    return Account(has_companies, has_objects=True, objects=entities)


def _entity(own_id: str, record: dict[str, Any], fields: CustomObjectFieldsStream) -> Entity:
    found = fields_of(fields.read_of(own_id))
    name = record.get("name")
    return Entity(
        id=own_id,
        name=name if isinstance(name, str) and name.strip() else own_id,
        is_pipeline=record.get("object_type") == "pipeline",
        columns=name_columns(found),
    )


def streams_of(tap: Tap, account: Account) -> list[KizenStream]:
    """Return the streams of an account, as its settings want them."""
    fixed: list[KizenStream] = []
    if account.has_companies:
        fixed.append(CompaniesStream(tap))
    if tap.config["legacy_clients"]:
        fixed.append(ClientsStream(tap))
    if account.has_objects:
        fixed.extend(stream(tap) for stream in fixed_streams())
    wanted = [entity for entity in account.objects if is_wanted(entity, tap.config)]
    return [*fixed, *(RecordsStream(tap, name, entity) for name, entity in name_streams(wanted))]


def is_wanted(entity: Entity, settings: Mapping[str, Any]) -> bool:
    """Return whether the settings include an object, by patterns of its API name or its id."""

    def matches(patterns: Iterable[str]) -> bool:
        return any(
            fnmatchcase(name, pattern) for name in (entity.name, entity.id) for pattern in patterns
        )

    return matches(settings["objects"]) and not matches(settings["exclude_objects"])


def name_streams(entities: Iterable[Entity]) -> Iterator[tuple[str, Entity]]:
    """Name the stream of each object by its API name, or its id where it has none.

    A name that a fixed stream has, or a table of the loader's, gets `_object` at its end. Of
    several objects whose names differ by case at most, the one with the lowest id keeps the
    name; each other gets `_` and the first 8 characters of its id. Fixed names count whether or
    not the stream is there, so that an account's names do not depend on permissions.
    """
    streams: tuple[type[KizenStream], ...] = (CompaniesStream, ClientsStream, *fixed_streams())
    fixed = {*LOADER_TABLES, *(vars(stream)["name"] for stream in streams)}
    taken = set(fixed)
    for entity in sorted(entities, key=lambda each: each.id):
        name = f"{entity.name}_object" if entity.name.lower() in fixed else entity.name
        if name.lower() in taken:
            name = f"{name}_{entity.id[:8]}"
        taken.add(name.lower())
        yield name, entity
