"""Who belongs to which company and has which trait: decided before a contact is made."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from sandbox.generate.organisations import Organisations
from sandbox.generate.seeds import stream
from sandbox.generate.traits import BLOCK, CRM, MISSING, quota

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sandbox.shares import Shares

_CONTACTS_PER_MISSING_COMPANY = 2
_PRIVATE_WITH_CORPORATE_MAIL = 0.01
_PRIVATE_WITH_ORGANISATION_TEXT = 0.02
_COLLEAGUES_SKEW = 2
#: Those of 128,000 contacts, in 35 MB: relations of the CRM name contacts of any block.
_REMEMBERED_BLOCKS = 128


def _coprime_step(count: int) -> int:
    """Return a step that visits each of ``count`` places once before it comes back."""
    step = int(count * 0.618) | 1
    while gcd(step, count) > 1:
        step += 2
    return step


class Role(NamedTuple):
    """What is decided about one contact; ``realm`` None is a private person."""

    realm: str | None = None
    company: int = 0
    organisation: bool = False
    corporate: bool = False
    free: bool = False
    adviser: bool = False
    phone: bool = False
    vat: bool = False
    typo: bool = False
    legal_form: bool = False


class Plan:
    """The roles of ``contacts`` contacts over ``companies`` companies of the CRM."""

    def __init__(self, seed: int, contacts: int, companies: int, shares: Shares) -> None:
        """Decide the companies' traits; contacts are decided block by block when asked for."""
        self.seed, self.contacts, self.companies, self.shares = seed, contacts, companies, shares
        missing = quota(shares.missing_company, 0, contacts)
        ghosts = -(-missing // _CONTACTS_PER_MISSING_COMPANY)
        self.organisations = Organisations(seed, companies, ghosts, shares)
        self._ghosts = ghosts
        self._with_contacts = self.organisations.traits[CRM].with_contacts()
        self._step = _coprime_step(len(self._with_contacts))
        self.block = lru_cache(maxsize=_REMEMBERED_BLOCKS)(self._block)

    @property
    def linked_contacts(self) -> int:
        """How many contacts belong to a company of the CRM."""
        return self._linked(0, self.contacts)

    def role(self, index: int) -> Role:
        """Return the role of the contact at ``index``."""
        return self.block(index // BLOCK)[index % BLOCK]

    def links(self) -> Iterator[tuple[int, int]]:
        """Yield (contact index, company index) of every contact whose company is in the CRM."""
        for start in range(0, self.contacts, BLOCK):
            for offset, role in enumerate(self.block(start // BLOCK)):
                if role.realm == CRM:
                    yield start + offset, role.company

    def _linked(self, start: int, end: int) -> int:
        if not self._with_contacts:
            return 0
        private = quota(self.shares.private, start, end)
        return end - start - private - quota(self.shares.missing_company, start, end)

    def _company(self, rng: Random, rank: int) -> int:
        """Return the company of the linked contact ``rank``: first each once, then the big ones."""
        count = len(self._with_contacts)
        if rank < count:
            return self._with_contacts[rank * self._step % count]
        return self._with_contacts[int(count * rng.random() ** _COLLEAGUES_SKEW)]

    def _block(self, number: int) -> list[Role]:
        start = number * BLOCK
        end = min(start + BLOCK, self.contacts)
        rng = stream(self.seed, "plan", number)
        order = list(range(end - start))
        rng.shuffle(order)
        private = quota(self.shares.private, start, end)
        linked = self._linked(start, end)
        rank = self._linked(0, start)
        employers: list[tuple[str | None, int]] = [(None, 0)] * (end - start)
        for position in order[private:]:
            if rank < self._linked(0, start) + linked:
                employers[position] = (CRM, self._company(rng, rank))
                rank += 1
            elif self._ghosts:
                employers[position] = (MISSING, int(self._ghosts * rng.random()))
        return self._traits(rng, start, end, employers)

    def _traits(
        self, rng: Random, start: int, end: int, employers: list[tuple[str | None, int]]
    ) -> list[Role]:
        """Choose who has which trait, in the exact shares of the block."""
        shares = self.shares
        domains = [
            realm is not None and self.organisations.traits[realm].has_domain(company)
            for realm, company in employers
        ]
        order = list(range(end - start))
        rng.shuffle(order)
        employed = [i for i in order if employers[i][0]]
        private = [i for i in order if not employers[i][0]]

        named_total = min(quota(shares.organisation, start, end), len(order))
        texts = min(int(len(private) * _PRIVATE_WITH_ORGANISATION_TEXT + 0.5), named_total)
        # Whoever has no other trace of the employer names it: nobody could tell otherwise.
        candidates = sorted(employed, key=lambda i: domains[i])
        named_employed = candidates[: named_total - texts]
        named = set(named_employed) | set(private[:texts])

        corporate_total = quota(shares.corporate_email, start, end)
        strangers = min(int(len(private) * _PRIVATE_WITH_CORPORATE_MAIL + 0.5), corporate_total)
        rng.shuffle(employed)
        candidates = sorted((i for i in employed if domains[i]), key=lambda i: i in named)
        corporate = set(candidates[: corporate_total - strangers])
        # Too few employers have a domain of their own: the rest write from somebody else's.
        borrowed = [i for i in employed if i not in corporate]
        borrowed = borrowed[: corporate_total - strangers - len(corporate)]
        borrowed += private[len(private) - strangers :]
        own = [i for i in order if i in corporate]
        advisers = set(borrowed) | set(own[: int(len(own) * shares.adviser + 0.5)])
        corporate |= advisers

        others = [i for i in order if i not in corporate]
        rng.shuffle(others)
        free = set(others[: quota(shares.free_email, start, end)])
        rng.shuffle(order)
        traceless = sorted(order, key=lambda i: not employers[i][0] or i in named or i in corporate)
        phone = set(traceless[: quota(shares.phone, start, end)])
        rng.shuffle(employed)
        vat = set(employed[: quota(shares.vat, start, end)])
        rng.shuffle(named_employed)
        of_named = shares.organisation
        typo = set(named_employed[: quota(shares.typo * of_named, start, end)])
        rng.shuffle(named_employed)
        legal_form = set(named_employed[: quota(shares.legal_form * of_named, start, end)])
        return [
            Role(
                realm=employers[i][0],
                company=employers[i][1],
                organisation=i in named,
                corporate=i in corporate,
                free=i in free,
                adviser=i in advisers,
                phone=i in phone,
                vat=i in vat,
                typo=i in typo,
                legal_form=i in legal_form,
            )
            for i in range(end - start)
        ]
