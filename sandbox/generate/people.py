"""People of the CRM who are contacts of the back office too, and others who only look like them.

Made apart from contacts and companies, which are the same with and without these people. Families
and boards with one address, and people registered twice, are contacts that are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate import naming
from sandbox.generate.addresses import address
from sandbox.generate.companies import company_id, created_at, kizen_datetime
from sandbox.generate.contacts import contact_id
from sandbox.generate.crm.values import updated_after
from sandbox.generate.mailboxes import corporate_address, free_address
from sandbox.generate.people_spelling import misspelt, other_birth_date, other_spelling, respelled
from sandbox.generate.phones import landline, mobile, spelled
from sandbox.generate.seeds import chance, digits, pick, stream, uuid
from sandbox.generate.traits import CRM
from sandbox.generate.vocabulary import any_country

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sandbox.generate.plan import Plan
    from sandbox.generate.vocabulary import Country, Language

Record = dict[str, object]

_PERSON = "crm person"
_PHONES = ("business_phone", "mobile_phone", "home_phone")
_ADDRESS = {"street_address": "address", "postal_code": "postal_code", "city": "city"}
"""The account's own columns for an address, and what the back office calls them."""
_PARENTS_BEFORE = 1975
"""Of two of one name, a generation apart, the one born before is the parent."""


class People:
    """``records``: the people of the CRM; ``contacts``: those added; ``links``: who is who.

    A link is (contact id, id in the CRM); whoever is registered twice has two. ``employers`` are
    the companies of contacts that name none themselves: (contact id, company id).
    """

    def __init__(self, plan: Plan, contacts: Iterable[Record]) -> None:
        """Make the people of the CRM beside the ``contacts`` of ``plan``, in their order."""
        self.records: list[Record] = []
        self.contacts: list[Record] = []
        self.links: list[tuple[int, str]] = []
        self.employers: list[tuple[int, str]] = []
        self._plan = plan
        self._addresses: set[str] = set()
        for index, contact in enumerate(contacts):
            if contact["first_name"]:
                self._beside(index, contact)
        for index in range(plan.contacts - len(self.links)):
            self._stranger(index)
        for index in range(int(plan.shares.household * plan.contacts + 0.5)):
            self._household(index)
            if index % 10 == 0:
                self._board(index)
            if index % 25 == 0:
                self._registered_twice(index)
        # Nobody is found by the order in which the records are listed.
        stream(plan.seed, _PERSON, "order").shuffle(self.records)

    def _add(self, rng: Random, contact: int | None, person: Record) -> str:
        """Add a person, who is that contact or nobody's; an address is one person's alone."""
        identity = uuid(self._plan.seed, _PERSON, "id", len(self.records))
        email = str(person.get("email") or "").lower()
        if email in self._addresses:
            person["email"] = None
        elif email:
            self._addresses.add(email)
        created = created_at(rng, int(rng.random() * 1000), 1000)
        self.records.append(
            {
                "id": identity,
                **dict.fromkeys(("first_name", "last_name", "email", *_PHONES, "birthday")),
                **dict.fromkeys(("company_primary_id", "company_primary_name", *_ADDRESS)),
                **person,
                "created": kizen_datetime(created),
                "updated": kizen_datetime(updated_after(rng, created)),
            }
        )
        if contact is not None:
            self.links.append((contact, identity))
        return identity

    def _company(self, company: int) -> Record:
        return {
            "company_primary_id": company_id(self._plan.seed, company),
            "company_primary_name": self._plan.organisations.get(CRM, company).name,
        }

    def _any_company(self, rng: Random, share: float) -> Record:
        if not self._plan.companies or not chance(rng, share):
            return {}
        return self._company(int(rng.random() * self._plan.companies))

    def _beside(self, index: int, contact: Record) -> None:
        """Add the contact itself, or somebody of its family whom the CRM knows instead."""
        rng = stream(self._plan.seed, _PERSON, index)
        role = self._plan.role(index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        if chance(rng, self._plan.shares.crm_person):
            identity = int(str(contact["id"]))
            # For a few contacts the CRM's company is outdated. Where a contact names no
            # organisation, only the CRM knows its company.
            works = self._any_company(rng, 0.02 if role.realm else 0.4)
            if role.realm == CRM and chance(rng, 0.85):
                works = self._company(role.company)
            elif works and not role.realm:
                self.employers.append((identity, str(works["company_primary_id"])))
            self._add(rng, identity, {**as_in_crm(rng, contact, words, country), **works})
            if chance(rng, 0.01):
                again = as_in_crm(rng, contact, words, country)
                self._add(rng, identity, {**again, **works})
        elif chance(rng, 0.04):
            self._relative(rng, contact, words)

    def _relative(self, rng: Random, contact: Record, words: Language) -> None:
        """Add a parent, child or twin who has the contact's address and phone number."""
        first = _another(rng, words, {str(contact["first_name"])})
        born = _born(rng, 1935, 2015)
        if contact["birth_date"] and chance(rng, 0.2):
            first = str(contact["first_name"])
            year = int(str(contact["birth_date"])[:4])
            older = year < _PARENTS_BEFORE
            born = _born(rng, *((year + 22, year + 40) if older else (year - 40, year - 22)))
        elif contact["birth_date"] and chance(rng, 0.2):
            born = str(contact["birth_date"])
        self._add(
            rng,
            None,
            {
                "first_name": first,
                "last_name": contact["last_name"],
                "email": contact["email"] if chance(rng, 0.7) else None,
                "mobile_phone": contact["mobile"],
                "home_phone": contact["phone"],
                "birthday": born,
                **_address_in_crm(rng, contact),
            },
        )

    def _stranger(self, index: int) -> None:
        rng = stream(self._plan.seed, _PERSON, "stranger", index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        name = _name(rng, words)
        self._add(
            rng,
            None,
            {
                "first_name": name[0],
                "last_name": name[1],
                "email": _own_address(rng, name, country) if chance(rng, 0.9) else None,
                "mobile_phone": (
                    spelled(rng, mobile(rng, country), country) if chance(rng, 0.6) else ""
                ),
                "birthday": _born(rng, 1935, 2018) if chance(rng, 0.5) else None,
                **(_place(rng, words, country, _ADDRESS) if chance(rng, 0.6) else {}),
                **self._any_company(rng, 0.4),
            },
        )

    def _contact(self, values: Record) -> int:
        """Add a contact of the back office."""
        identity = contact_id(self._plan.contacts + len(self.contacts))
        day = f"2025-01-{1 + identity % 28:02d} 10:00:00"
        blank: Record = dict.fromkeys(("website", "vat_number", "organisation"), "")
        fixed: Record = {"type": "member", "civility": "", "status": "active", "balance": 0}
        rest: Record = {"category": None, "tags": [], "entity": None, "family_head": None}
        last: Record = {"free_fields": {}, "photo": "", "login": ""}
        times: Record = {"created_at": day, "updated_at": day}
        self.contacts.append({"id": identity, **blank, **fixed, **rest, **last, **values, **times})
        return identity

    def _household(self, index: int) -> None:
        """Add parents and children with one e-mail address and one phone number."""
        rng = stream(self._plan.seed, "household", index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        home = _home(rng, words, country, naming.surname(rng, words))
        father, mother = (
            (naming.given_name(rng, words, female=female), _born(rng, 1945, 1985))
            for female in (False, True)
        )
        members = [father, mother]
        names = {father[0], mother[0]}
        if chance(rng, 0.2):
            members.append((father[0], _born(rng, 1988, 2015)))
        for _ in range(1 + int(rng.random() * 2)):
            members.append((_another(rng, words, names), _born(rng, 1988, 2018)))
            names.add(members[-1][0])
        if chance(rng, 0.2):
            members.append((_another(rng, words, names), members[-1][1]))
        told = [name for name, _ in members]
        holder = int(rng.random() * len(members))
        for place, (first, born) in enumerate(members):
            identity = None
            # Dates are all that tells a father from a son of the same name.
            dated = told.count(first) > 1
            if chance(rng, 0.85):
                has_date = dated or chance(rng, 0.7)
                identity = self._contact(
                    {**home, "first_name": first, "birth_date": born if has_date else ""}
                )
            if chance(rng, 0.5):
                self._add(
                    rng,
                    identity,
                    {
                        "first_name": other_spelling(rng, first),
                        "last_name": other_spelling(rng, str(home["last_name"])),
                        "email": home["email"] if place == holder else None,
                        "home_phone": home["mobile"] if chance(rng, 0.85) else None,
                        "birthday": born if dated or chance(rng, 0.7) else None,
                        **_address_in_crm(rng, home),
                    },
                )

    def _board(self, index: int) -> None:
        """Add the board of an association, all of whom give its address; the CRM knows some."""
        rng = stream(self._plan.seed, "board", index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        domain = f"club{index}-{int(rng.random() * 1000)}.org"
        office = {
            "email": corporate_address(rng, ("", ""), domain),
            "phone": spelled(rng, landline(rng, country), country),
        }
        for place in range(4):
            first, last = _name(rng, words)
            home = _home(rng, words, country, last)
            born = _born(rng, 1940, 2000)
            identity = self._contact({**home, **office, "first_name": first, "birth_date": ""})
            if chance(rng, 0.5):
                self._add(
                    rng,
                    identity,
                    {
                        "first_name": first,
                        "last_name": last,
                        "email": office["email"] if place == 1 else None,
                        "business_phone": office["phone"],
                        "birthday": born if chance(rng, 0.5) else None,
                        **_address_in_crm(rng, home),
                    },
                )

    def _registered_twice(self, index: int) -> None:
        """Add two contacts that are one person, with an address each."""
        rng = stream(self._plan.seed, "registered twice", index)
        country = any_country(rng)
        words = naming.any_language(rng, country)
        name = _name(rng, words)
        born = _born(rng, 1940, 2010)
        pair = []
        for _ in range(2):
            home = _home(rng, words, country, name[1])
            pair.append({**home, "first_name": name[0], "birth_date": born})
        ids = [self._contact(contact) for contact in pair]
        person = self._add(rng, ids[0], as_in_crm(rng, pair[int(rng.random() * 2)], words, country))
        self.links.append((ids[1], person))


def _name(rng: Random, words: Language) -> tuple[str, str]:
    first = naming.given_name(rng, words, female=chance(rng, 0.5))
    return first, naming.surname(rng, words)


def _another(rng: Random, words: Language, taken: set[str]) -> str:
    """Return a given name that none of the family has."""
    while True:
        name = naming.given_name(rng, words, female=chance(rng, 0.5))
        if name not in taken:
            return name


def _own_address(rng: Random, name: tuple[str, str], country: Country) -> str:
    """Return an address that no contact has: those of contacts have two digits at most."""
    local, _, host = free_address(rng, name, country).partition("@")
    return f"{local}{digits(rng, 3)}@{host}"


def _born(rng: Random, first_year: int, last_year: int) -> str:
    year = first_year + int(rng.random() * (last_year - first_year + 1))
    return f"{year}-{1 + int(rng.random() * 12):02d}-{1 + int(rng.random() * 28):02d}"


def _home(rng: Random, words: Language, country: Country, last: str) -> Record:
    """Return what the members of one home write alike."""
    return {
        "last_name": last,
        "email": free_address(rng, (pick(rng, ("famille", "chez", "les")), last), country),
        "phone": "",
        "mobile": spelled(rng, mobile(rng, country), country),
        "country": country.code,
        **_place(rng, words, country, _ADDRESS.values()),
    }


def _place(rng: Random, words: Language, country: Country, columns: Iterable[str]) -> Record:
    """Return an address somewhere in the country, in the columns for street, code and city."""
    return dict(zip(columns, address(rng, country, words), strict=True))


def _address_in_crm(rng: Random, contact: Record) -> Record:
    """Return the contact's address as the CRM has it, or nothing."""
    if not contact["address"] or chance(rng, 0.25):
        return {}
    return {column: contact[own] for column, own in _ADDRESS.items()}


def as_in_crm(rng: Random, contact: Record, words: Language, country: Country) -> Record:
    """Return the contact as the CRM has it: misspelt, incomplete, with another address."""
    name = misspelt(
        rng,
        (str(contact["first_name"]), str(contact["last_name"])),
        naming.surname(rng, words),
        female=str(contact.get("civility") or "").lower() in {"mme", "frau", "mrs", "ms", "mevr."},
    )
    email: object = contact["email"]
    if not email or chance(rng, 0.12):
        email = _own_address(rng, name, country) if chance(rng, 0.8) else None
    elif chance(rng, 0.05):
        email = None
    person: Record = {
        "first_name": name[0],
        "last_name": name[1],
        "email": email,
        "birthday": other_birth_date(rng, str(contact["birth_date"] or "")),
        **_address_in_crm(rng, contact),
    }
    if chance(rng, 0.06):
        person.update(_place(rng, words, country, _ADDRESS))
    if contact["mobile"] and chance(rng, 0.85):
        person["mobile_phone"] = respelled(rng, str(contact["mobile"]))
    elif chance(rng, 0.3):
        person["mobile_phone"] = spelled(rng, mobile(rng, country), country)
    if contact["phone"] and chance(rng, 0.85):
        person[pick(rng, ("business_phone", "home_phone"))] = respelled(rng, str(contact["phone"]))
    if not person["birthday"] and chance(rng, 0.25):
        person["birthday"] = contact["birth_date"] or _born(rng, 1935, 2018)
    return person
