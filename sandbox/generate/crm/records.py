"""Records of the CRM's objects."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, cast

from sandbox.generate import naming, phones
from sandbox.generate.companies import company, company_id, created_at, kizen_datetime
from sandbox.generate.contacts import contact
from sandbox.generate.crm import values
from sandbox.generate.crm.model import (
    BY_NAME,
    COMPANY,
    CONTACT,
    DEAL,
    PROJECT,
    SECTORS,
    field_id,
    option,
)
from sandbox.generate.people import as_in_crm
from sandbox.generate.seeds import chance, pick, stream, uuid
from sandbox.generate.traits import CRM
from sandbox.generate.vocabulary import any_country, countries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from sandbox.generate.crm.model import Field, ObjectModel, Record
    from sandbox.generate.plan import Plan

LARGEST_INLINE = 20
"""A to-many value with more entries than this comes as a summary (this project's assumption)."""

_MEMBERS = 0.6
"""The share of the CRM's contacts who are the back office's too, where their company has any."""

_TAGS = ("Presse", "Mécène", "Comité", "Newsletter", "À relancer")
_TITLES = ("Présidente", "Trésorier", "Secrétaire", "Directrice", "Bénévole")
_TIMEZONES = ("Europe/Paris", "Europe/Brussels", "Europe/Berlin", "Europe/Helsinki")


class Sizes(NamedTuple):
    """How many records each object has, by how many companies there are."""

    companies: int
    contacts: int
    deals: int
    projects: int

    @classmethod
    def of(cls, companies: int) -> Sizes:
        """Return a contact per company, half as many deals, a tenth as many projects."""
        return cls(companies, companies, ceil(companies / 2), ceil(companies / 10))


class Maker:
    """Makes the records of the objects of one account."""

    def __init__(self, plan: Plan) -> None:
        """Make records that belong to the companies of ``plan``."""
        self._plan = plan
        self._seed = plan.seed
        self.sizes = Sizes.of(plan.companies)
        self._makers: dict[str, Callable[[int], Record]] = {
            COMPANY: self._company,
            CONTACT: self._contact,
            DEAL: self._deal,
            PROJECT: self._project,
        }

    def count(self, name: str) -> int:
        """Return how many records the object ``name`` has."""
        order = (COMPANY, CONTACT, DEAL, PROJECT)
        return self.sizes[order.index(name)]

    def record(self, name: str, index: int) -> Record:
        """Return the record at ``index`` of the object ``name`` as it is served."""
        identity = company_id(self._seed, index) if name == COMPANY else self.id(name, index)
        return served(self._seed, BY_NAME[name], identity, self._makers[name](index))

    def values(self, name: str, index: int) -> Record:
        """Return the values of a record by the names of its fields, long lists whole."""
        return self._makers[name](index)

    def id(self, name: str, index: int) -> str:
        """Return the id of a record; companies have those of the legacy list instead."""
        return uuid(self._seed, name, "record", index)

    def _rng(self, name: str, index: int) -> Random:
        return stream(self._seed, name, "values", index)

    def _times(self, rng: Random, index: int, count: int) -> tuple[datetime, Record]:
        created = created_at(rng, index, count)
        updated = values.updated_after(rng, created)
        return created, {"created": kizen_datetime(created), "updated": kizen_datetime(updated)}

    def _company(self, index: int) -> Record:
        legacy = company(self._plan, index)
        rng = self._rng(COMPANY, index)
        custom = cast("dict[str, dict[str, object]]", legacy["custom_fields"])
        addresses = cast("list[Record]", legacy["addresses"])
        address = addresses[0] if addresses else {}
        domains = cast("list[Record]", legacy["domains"])
        website = custom["website"]["value"] or (domains[0]["name"] if domains else None)
        sector = custom["sector"]["value"]
        field = next(f for f in BY_NAME[COMPANY].fields if f.name == "sector")
        created = datetime.fromisoformat(str(legacy["created"]))
        return {
            **{key: legacy[key] for key in ("name", "email", "business_phone", "mobile_phone")},
            "website": website,
            **{
                key: address.get(key)
                for key in (
                    "street_address",
                    "street_address_2",
                    "city",
                    "postal_code",
                    "state",
                    "country",
                )
            },
            "tags": legacy["tags"],
            "vat_number": custom["vat_number"]["value"],
            "sector": option(self._seed, COMPANY, field, str(sector))
            if sector in SECTORS
            else None,
            "employees": custom["employees"]["value"],
            "owner": values.owner(self._seed, rng),
            "created": legacy["created"],
            "updated": kizen_datetime(values.updated_after(rng, created)),
        }

    def _relation(self, index: int) -> Record:
        name = self._plan.organisations.get(CRM, index).name
        return {"id": company_id(self._seed, index), "name": name}

    def _any_company(self, rng: Random) -> Record | None:
        return self._relation(int(rng.random() * self.sizes.companies))

    def _contact(self, index: int) -> Record:
        rng = self._rng(CONTACT, index)
        person = values.contact_person(self._seed, index)
        country = pick(rng, countries())
        created, times = self._times(rng, index, self.sizes.contacts)
        others = [self._any_company(rng) for _ in range(int(rng.random() ** 3 * 4))]
        birthday = created - timedelta(days=9000 + int(rng.random() * 16_000))
        return {
            **{key: person[key] for key in ("first_name", "last_name", "email")},
            "email_status": values.choice(self._seed, rng, CONTACT, "email_status"),
            "business_phone": phones.spelled(rng, phones.landline(rng, country), country),
            "mobile_phone": phones.spelled(rng, phones.mobile(rng, country), country),
            "home_phone": "" if chance(rng, 0.5) else None,
            "company_primary": None if chance(rng, 0.1) else self._relation(index),
            "company_additional": others,
            "titles": values.tags(self._seed, rng, "title", _TITLES),
            "tags": values.tags(self._seed, rng, "contact", _TAGS),
            "birthday": birthday.date().isoformat() if chance(rng, 0.4) else None,
            "timezone": pick(rng, _TIMEZONES),
            **self._said_by_member(index),
            **times,
        }

    @cached_property
    def _members(self) -> dict[int, int]:
        """The last contact of the back office that belongs to a company, by company."""
        return {company: member for member, company in self._plan.links()}

    def member(self, index: int) -> Record | None:
        """Return the back office's contact who is the CRM's at ``index``; None for nobody."""
        rng = stream(self._seed, CONTACT, "member", index)
        member = self._members.get(index)
        if member is None or not chance(rng, _MEMBERS):
            return None
        found = contact(self._plan, member)
        return found if found["first_name"] else None

    def person(self, index: int) -> Record:
        """Return the CRM's contact at ``index`` as a relation shows it."""
        person = values.contact_person(self._seed, index)
        said = self._said_by_member(index)
        return {key: said.get(key, value) for key, value in person.items()}

    def _said_by_member(self, index: int) -> Record:
        """Return what the CRM has of a contact of the back office; nothing where it is none."""
        member = self.member(index)
        if member is None:
            return {}
        rng = stream(self._seed, CONTACT, "as member", index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        said = as_in_crm(rng, member, words, country)
        names = {field.name for field in BY_NAME[CONTACT].fields}
        return {key: value for key, value in said.items() if key in names and value}

    def _deal(self, index: int) -> Record:
        rng = self._rng(DEAL, index)
        created, times = self._times(rng, index, self.sizes.deals)
        organisation = self._any_company(rng)
        person = self.person(int(rng.random() * self.sizes.contacts))
        return {
            "name": f"Subvention {created.year}-{index:04d}",
            "stage": values.choice(self._seed, rng, DEAL, "stage"),
            "amount": values.money(rng),
            "rate": values.decimal(rng),
            "company": organisation,
            "contact": person if chance(rng, 0.8) else None,
            "decision_on": values.moment(rng, created)[:10] if chance(rng, 0.6) else None,
            "renewal": values.choice(self._seed, rng, DEAL, "renewal"),
            "comment": "À revoir\navec la mairie…" if chance(rng, 0.4) else "",
            "owner": values.owner(self._seed, rng),
            **times,
        }

    def _project(self, index: int) -> Record:
        rng = self._rng(PROJECT, index)
        created, times = self._times(rng, index, self.sizes.projects)
        audiences = [values.choice(self._seed, rng, PROJECT, "audiences") for _ in range(2)]
        size = int(rng.random() * 2 * LARGEST_INLINE)
        first = int(rng.random() * self.sizes.contacts)
        members = dict.fromkeys((first + step) % self.sizes.contacts for step in range(size))
        file_id = uuid(self._seed, PROJECT, "file", index)
        return {
            "name": f"Projet {index}",
            "public": pick(rng, (True, False, None)),
            "audiences": audiences[:1] if audiences[0] == audiences[1] else audiences,
            "phase": values.choice(self._seed, rng, PROJECT, "phase"),
            "channel": values.choice(self._seed, rng, PROJECT, "channel"),
            "interest": pick(rng, (None, 1, 2, 3, 4, 5)),
            "starts_at": values.moment(rng, created) if chance(rng, 0.7) else None,
            "documents": [{"id": file_id, "name": "plan.pdf"}] if chance(rng, 0.3) else [],
            "summary": "<p>Un <strong>lieu</strong> pour tous &amp; chacun.</p>",
            "participants": [self.person(member) for member in members],
            **times,
        }


def served(seed: int, model: ObjectModel, identity: str, contents: Mapping[str, object]) -> Record:
    """Return a record as Kizen wraps it; a list that is too long comes as its length.

    Args:
        seed: the seed of the account, on which the ids of fields depend.
        model: the record's object.
        identity: the record's id.
        contents: the values by the names of the fields; those not given are null.
    """
    fields: Record = {}
    for field in model.fields:
        entry = field_entry(seed, model, field, contents.get(field.name))
        fields[str(entry["id"])] = entry
    return {
        "id": identity,
        "object_type": model.object_type,
        "client_info": None,
        "access": {"view": True, "edit": False, "remove": False},
        "fields": fields,
    }


def field_entry(seed: int, model: ObjectModel, field: Field, value: object) -> Record:
    """Return a field of a record with its value; a list that is too long comes as its length."""
    entry: Record = {
        "id": field_id(seed, model.name, field.name),
        "name": field.name,
        "field_type": field.field_type,
        "display_name": field.display_name,
    }
    if isinstance(value, list) and len(value) > LARGEST_INLINE:
        entry["value_summary"] = {"count": len(value)}
    else:
        entry["value"] = value
    return entry
