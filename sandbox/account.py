"""The data of one sandbox: contacts, companies, and the truth about them."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox.crm import Crm
from sandbox.generate.companies import company_id
from sandbox.generate.contacts import contact, contact_id, updated_at
from sandbox.generate.people import People
from sandbox.generate.plan import Plan
from sandbox.php import as_strings
from sandbox.records import Record, Records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from typing_extensions import Self

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
        record = contact(self._plan, index)
        return as_strings(record) if self._strings else record

    def opened(self) -> AbstractContextManager[Self]:
        """Return a context that closes the account's files at its end."""
        return closing(self)

    def close(self) -> None:
        """Close the files that hold the records."""
        self.contacts.close()
        self.crm.close()

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
            people.contacts = [as_strings(added) for added in people.contacts]
        return people

    @cached_property
    def truth(self) -> dict[int, str]:
        """Contact id → company id, of the generated contacts whose company is in the CRM."""
        return dict(self.links())
