"""The CRM behind the sandbox's Kizen: records of every object, lists, and changes to them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sandbox.generate.companies import company, company_id, kizen_datetime
from sandbox.generate.crm import lists
from sandbox.generate.crm.model import BY_NAME, COMPANY, CONTACT, field_id
from sandbox.generate.crm.records import Maker, field_entry, served
from sandbox.generate.seeds import uuid
from sandbox.records import Record, Records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.generate.crm.model import Field, ObjectModel
    from sandbox.generate.plan import Plan

# What the tap calls a list, where that is not how the API calls it.
_STREAMS = {"activities": "activity_types"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: str) -> int:
    """Return a time, as Kizen writes it, in microseconds since 1970.

    Raises:
        ValueError: it is no time with an offset.
    """
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    if parsed.tzinfo is None:
        message = f"{moment} has no offset"
        raise ValueError(message)
    return (parsed - _EPOCH) // _MICROSECOND


def value(record: Record, name: str) -> object:
    """Return the value of the field ``name`` of an object's record; None if it has none."""
    entries = cast("dict[str, dict[str, object]]", record["fields"])
    for entry in entries.values():
        if entry["name"] == name:
            return entry.get("value")
    return None


def _updated(record: Record) -> int:
    return microseconds(str(value(record, "updated")))


class Crm:
    """What the account holds; everything in it is live and may be changed under :attr:`lock`."""

    def __init__(self, plan: Plan, moving: int) -> None:
        """Hold the data of ``plan``; ``moving`` records go and come before each page of a list."""
        self.lock = RLock()
        self._plan = plan
        self._seed = plan.seed
        self._moving = moving
        self._movement = Random(plan.seed)  # noqa: S311 - which records move is no secret
        self._added = 0
        self._maker = Maker(plan)
        self.archived: list[str] = []
        self.objects = dict(BY_NAME)
        self.records = {name: self._of_object(name) for name in BY_NAME}
        self.companies = Records(plan.companies, lambda index: company(plan, index))
        self.clients = Records(self._maker.sizes.contacts, self._client)
        self.lists = {each.name: each.entries(self._seed) for each in lists.FIXED_LISTS}
        self.stages = lists.stages(self._seed)
        self.scheduled = Records(
            lists.scheduled_count(plan.companies),
            lambda index: lists.scheduled_activity(plan, index),
        )
        self.logged = {
            str(kind["id"]): self._of_activity(number)
            for number, kind in enumerate(self.lists["activities"])
        }

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are, by object and by list, legacy contacts apart."""
        with self.lock:
            return {
                "companies": len(self.companies),
                "custom_objects": len(self.objects),
                "custom_object_fields": sum(len(model.fields) for model in self.objects.values()),
                "pipeline_stages": len(self.stages),
                "logged_activities": sum(len(records) for records in self.logged.values()),
                "scheduled_activities": len(self.scheduled),
                **{_STREAMS.get(name, name): len(entries) for name, entries in self.lists.items()},
                **{name: len(records) for name, records in self.records.items()},
            }

    def _of_object(self, name: str) -> Records:
        maker = self._maker
        return Records(maker.count(name), lambda index: maker.record(name, index), _updated)

    def _of_activity(self, kind: int) -> Records:
        count = lists.logged_count(self._plan.companies)
        return Records(count, lambda index: lists.logged_activity(self._plan, kind, index))

    def _client(self, index: int) -> Record:
        """Return the legacy contact at ``index``: keys beyond the name are an assumption."""
        values = self._maker.values(CONTACT, index)
        return {
            **self._maker.person(index),
            "mobile_phone": values["mobile_phone"],
            "business_phone": values["business_phone"],
            "company": values["company_primary"],
            "tags": values["tags"],
            "created": values["created"],
            "custom_fields": {},
        }

    def members(self) -> Iterator[tuple[int, str]]:
        """Yield (contact id, id in the CRM) of every generated contact who is served there, too."""
        for index in range(self._maker.sizes.contacts):
            member = self._maker.member(index)
            if member is not None:
                yield int(str(member["id"])), self._maker.id(CONTACT, index)

    def _twins(self, name: str) -> Records | None:
        """Return the legacy list that holds the same records as the object ``name``."""
        return {COMPANY: self.companies, CONTACT: self.clients}.get(name)

    def archive(self, name: str, identity: str) -> None:
        """Archive a record of the object ``name``: it vanishes from every list.

        Raises:
            KeyError: there is no such record.
        """
        with self.lock:
            records, twins = self.records[name], self._twins(name)
            del records[records.position(identity)]
            if twins is not None:
                # A test may have taken the legacy record away before.
                with suppress(KeyError):
                    del twins[twins.position(identity)]
            self.archived.append(identity)

    def add(self, name: str, /, **values: object) -> str:
        """Add a record with these values to the object ``name``; return its id."""
        with self.lock:
            self._added += 1
            identity = uuid(self._seed, name, "added", self._added)
            now = kizen_datetime(datetime.now(timezone.utc))
            whole = {"created": now, "updated": now, **values}
            model = self.objects[name]
            self.records[name].append(served(self._seed, model, identity, whole))
            twins = self._twins(name)
            if twins is not None:
                twins.append(_legacy(name, identity, whole))
            return identity

    def update(self, name: str, identity: str, /, **values: object) -> None:
        """Change values of a record of the object ``name`` and set ``updated`` to now.

        Raises:
            KeyError: there is no such record or field.
        """
        with self.lock:
            record = self.records[name][self.records[name].position(identity)]
            entries = cast("dict[str, dict[str, object]]", record["fields"])
            now = kizen_datetime(datetime.now(timezone.utc))
            for field, new in {"updated": now, **values}.items():
                entry = entries[field_id(self._seed, name, field)]
                entry.pop("value_summary", None)
                entry["value"] = new
            twins = self._twins(name)
            if twins is not None:
                with suppress(KeyError):
                    twin = twins[twins.position(identity)]
                    twin.update({key: new for key, new in values.items() if key in twin})

    def add_field(self, name: str, field: Field, value: object = None) -> None:
        """Give the object ``name`` a field, which holds ``value`` in every record it has.

        It takes the place of a field of the same name. No record counts as changed.
        """
        with self.lock:
            model = self.objects[name]
            others = [each for each in model.fields if each.name != field.name]
            self.objects[name] = model._replace(fields=(*others, field))
            for record in self.records[name]:
                entry = field_entry(self._seed, model, field, value)
                cast("dict[str, object]", record["fields"])[str(entry["id"])] = entry

    def add_object(self, model: ObjectModel) -> None:
        """Give the account a new object, without records yet."""
        with self.lock:
            self.objects[model.name] = model
            self.records[model.name] = Records(0, lambda _index: {}, _updated)

    def move(self, name: str) -> None:
        """Archive some records of the object ``name`` and add as many, if the account is moving."""
        with self.lock:
            for _ in range(self._moving if len(self.records[name]) else 0):
                position = int(self._movement.random() * len(self.records[name]))
                line = self.records[name].encoded(position, position + 1)
                self.archive(name, _identity(line))
                self.add(name, name=f"Arrivée {self._added}", first_name="Nouvelle")

    def long_value(self, identity: str, field: str) -> list[object] | None:
        """Return a to-many value whole, of the record ``identity``; None if there is no such."""
        for name, records in self.records.items():
            fields = self.objects[name].fields
            model = next((f for f in fields if field_id(self._seed, name, f.name) == field), None)
            if model is None:
                continue
            try:
                record = records[records.position(identity)]
            except KeyError:
                return None
            entry = cast("dict[str, dict[str, object]]", record["fields"])[field]
            if "value" in entry:
                return cast("list[object]", entry["value"]) if model.many else None
            return self._made(name, identity, model.name)
        return None

    def _made(self, name: str, identity: str, field: str) -> list[object]:
        """Return the generated list whose length is all that the record holds."""
        for index in range(self._maker.count(name)):
            generated = company_id(self._seed, index) if name == COMPANY else None
            if (generated or uuid(self._seed, name, "record", index)) == identity:
                return cast("list[object]", self._maker.values(name, index)[field])
        raise KeyError(identity)


def _identity(line: bytes) -> str:
    """Return the id that a record's JSON text begins with."""
    return str(UUID(line[7:43].decode()))


def _legacy(name: str, identity: str, values: Record) -> Record:
    """Return the legacy shape of a record that was added."""
    keys = {
        COMPANY: ("name", "email", "mobile_phone", "business_phone"),
        CONTACT: ("first_name", "last_name", "email", "mobile_phone", "business_phone"),
    }[name]
    record: Record = {"id": identity, **{key: values.get(key) for key in keys}}
    if name == COMPANY:
        record |= {"addresses": [], "tags": [], "domains": []}
    else:
        record |= {"company": None, "tags": []}
    return {**record, "created": values["created"], "custom_fields": {}}
