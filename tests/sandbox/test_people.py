"""People of the CRM: who is who, and what does not change with them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox.account import Account
from sandbox.options import Options
from sandbox.shares import Shares

if TYPE_CHECKING:
    from sandbox.generate.people import People

COUNT = 2000
COLUMNS = [
    "id", "first_name", "last_name", "email", "business_phone", "mobile_phone", "home_phone",
    "birthday", "company_primary_id", "company_primary_name", "street_address", "postal_code",
    "city", "created", "updated",
]  # fmt: skip


def _people(**shares: float) -> tuple[People, list[bytes]]:
    options = Options(contacts=COUNT, companies=600, seed=3, shares=Shares(**shares))
    account = Account(options)
    return account.people(), list(account.contacts.lines())


def test_contacts_are_the_same_whoever_is_in_the_crm() -> None:
    people, contacts = _people()
    more, same = _people(crm_person=0.9, household=0.05)
    assert contacts == same
    assert not people.contacts
    assert len(more.links) > 2 * len(people.links)
    again, _ = _people()
    assert (again.records, again.links) == (people.records, people.links)


def test_a_third_of_the_contacts_are_people_of_the_crm() -> None:
    people, lines = _people()
    contacts = {row["id"]: row for row in map(json.loads, lines)}
    named = [row for row in contacts.values() if row["first_name"]]
    records = {row["id"]: row for row in people.records}
    assert len(records) == len(people.records) >= COUNT
    assert all(list(row) == COLUMNS for row in people.records)
    linked = {contact for contact, _ in people.links}
    assert 0.3 < len(linked) / len(named) < 0.36
    assert linked <= contacts.keys()
    assert {person for _, person in people.links} <= records.keys()
    emails = [str(row["email"]).lower() for row in people.records if row["email"]]
    assert len(set(emails)) == len(emails)
    # Neither system has all of the other's addresses and names.
    pairs = [(contacts[contact], records[person]) for contact, person in people.links]
    for column, share in (("email", 0.85), ("first_name", 0.95), ("last_name", 0.95)):
        same = sum(one[column] == other[column] for one, other in pairs) / len(pairs)
        assert share - 0.35 < same < share


def test_families_boards_and_those_who_registered_twice_are_added() -> None:
    people, lines = _people(household=0.05)
    first = max(json.loads(line)["id"] for line in lines) + 1
    ids = [int(str(row["id"])) for row in people.contacts]
    assert ids[0] >= first
    assert all(one < other for one, other in pairwise(ids))
    assert all(row.keys() == json.loads(lines[0]).keys() for row in people.contacts)
    members: dict[object, set[object]] = {}
    for row in people.contacts:
        members.setdefault(row["email"], set()).add(row["first_name"])
    assert sum(len(names) > 1 for names in members.values()) > 0.04 * COUNT
    persons = [person for contact, person in people.links if contact in set(ids)]
    assert len(persons) > len(set(persons))


def test_members_are_served_as_people_of_the_crm() -> None:
    """Half of those who are served are contacts of the company that the CRM gives them."""
    account = Account(Options(contacts=COUNT, companies=600, seed=3))
    members = dict(account.crm.members())
    assert len(members) == len(set(members.values())) > 200
    contacts = {record["id"]: record for record in map(json.loads, account.contacts.lines())}
    served = {record["id"]: record for record in map(json.loads, account.crm.clients.lines())}
    companies = account.truth
    alike = 0
    for member, identity in members.items():
        contact, person = contacts[member], served[identity]
        assert not person["company"] or person["company"]["id"] == companies[member]
        alike += contact["last_name"].casefold() == person["last_name"].casefold()
    assert alike > 0.7 * len(members)
    again = Account(Options(contacts=COUNT, companies=600, seed=3))
    assert dict(again.crm.members()) == members
