"""The data of one sandbox: contacts, companies, and the truth about them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.crm import Crm
from sandbox.generate.companies import company_id
from sandbox.generate.contacts import contact, contact_id, updated_at
from sandbox.generate.people import People
from sandbox.generate.plan import Plan
from sandbox.records import Record, Records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.options import Options


class Account:
    """Generated data, made lazily; all of it is what is served, live.

    ``contacts`` is Kananas' list, ``companies`` Kizen's legacy list, ``crm`` all that Kizen holds.
    """

    def __init__(self, options: Options) -> None:
        """Decide everything, make nothing yet."""
        self._plan = Plan(options.seed, options.contacts, options.companies, options.shares)
        self._strings = options.numbers_as_strings
        self.contacts = Records(options.contacts, self._contact, updated_at)
        self.crm = Crm(self._plan, options.kizen_moving)
        self.companies = self.crm.companies

    def _contact(self, index: int) -> Record:
        return self.as_served(contact(self._plan, index))

    def as_served(self, contact: Record) -> Record:
        """Return a contact as Kananas serves it: numbers may be strings, as PHP writes them."""
        return _as_strings(contact) if self._strings else contact

    @property
    def linked_contacts(self) -> int:
        """How many generated contacts belong to a company of the CRM."""
        return self._plan.linked_contacts

    def links(self) -> Iterator[tuple[int, str]]:
        """Yield (contact id, company id) of every generated contact whose company is in the CRM."""
        for index, company_index in self._plan.links():
            yield contact_id(index), company_id(self._plan.seed, company_index)

    def people(self) -> People:
        """Return the people of the CRM, and which contacts they are: all of them, made anew."""
        contacts = (contact(self._plan, index) for index in range(self._plan.contacts))
        people = People(self._plan, contacts)
        if self._strings:
            people.contacts = [_as_strings(added) for added in people.contacts]
        return people

    @cached_property
    def truth(self) -> dict[int, str]:
        """Contact id → company id, of the generated contacts whose company is in the CRM."""
        return dict(self.links())


def _as_strings(record: Record) -> Record:
    """Return ``record`` with numbers as strings and booleans as "1" and "", at every depth."""
    return {key: _as_string(value) for key, value in record.items()}


def _as_string(value: object) -> object:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return [_as_string(item) for item in value]
    if isinstance(value, dict):
        return _as_strings(value)
    return value
