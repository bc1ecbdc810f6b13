"""Organisations: what one is in truth, before anybody writes about it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sandbox.generate import naming, phones
from sandbox.generate.addresses import Address, address
from sandbox.generate.seeds import chance, pick, stream
from sandbox.generate.spelling import SMALL_WORDS, slug_words
from sandbox.generate.traits import CRM, MISSING, CompanyTraits
from sandbox.generate.vat import vat_number
from sandbox.generate.vocabulary import Country, Language, any_country, weighted

if TYPE_CHECKING:
    from random import Random

    from sandbox.shares import Shares

_LONGEST_LABEL = 24
_REMEMBERED = 20_000


class Organisation(NamedTuple):
    """One organisation; ``phone`` is its switchboard's significant digits.

    ``core`` is the name without legal form, ``forms`` the spellings of the legal form (the first
    is the official one), ``name`` the name that the CRM holds, ``domain`` None where it has none.
    """

    country: Country
    words: Language
    association: bool
    core: str
    forms: list[str]
    form_leads: bool
    name: str
    name_has_form: bool
    address: Address
    phone: str
    vat: str
    domain: str | None
    website: bool


def with_form(core: str, form: str, *, leads: bool) -> str:
    """Return ``core`` with a legal form before or behind it."""
    return f"{form} {core}" if leads else f"{core} {form}"


def _label(rng: Random, core: str, city: str, *, common: bool) -> str:
    """Return the second-level domain name that an organisation would take."""
    words = [word for word in slug_words(core) if word not in SMALL_WORDS]
    style = int(rng.random() * 4)
    squeezed = "".join(words)
    if style == 0 and len(words) > 1:
        label = "-".join(words[-3:])
    elif len(words) > 1 and (len(squeezed) > _LONGEST_LABEL or style == 1):
        label = words[0][:8] + "".join(words[1:])[-16:]
    else:
        label = squeezed
    # Most short and all shared names are taken by somebody else's domain already.
    if common or len(words) == 1 or chance(rng, 0.35):
        place = slug_words(city)
        label = f"{label}-{place[-1] if common or chance(rng, 0.5) else place[0][:3]}"
    return label[:48].strip("-")


class Organisations:
    """All organisations of one seed: those of the CRM and those missing from it."""

    def __init__(self, seed: int, companies: int, missing: int, shares: Shares) -> None:
        """Decide the traits of ``companies`` in the CRM and ``missing`` ones outside it."""
        self._seed = seed
        self.traits = {
            CRM: CompanyTraits(seed, CRM, companies, shares),
            MISSING: CompanyTraits(seed, MISSING, missing, shares),
        }
        self.get = lru_cache(maxsize=_REMEMBERED)(self._make)

    def _named_after(self, realm: str, index: int) -> tuple[str, int]:
        """Return whose name the organisation bears: its own, or a company's of the CRM."""
        namesake = self.traits[realm][index].namesake
        if realm == CRM or namesake == index or not self.traits[CRM].count:
            return realm, namesake
        # What the CRM lacks is easily taken for what it has: the hardest of all false links.
        return CRM, self.traits[CRM][index % self.traits[CRM].count].namesake

    def _make(self, realm: str, index: int) -> Organisation:
        traits = self.traits[realm][index]
        origin = self._named_after(realm, index)
        group = None if traits.group is None else stream(self._seed, realm, "group", traits.group)
        naming_rng = stream(self._seed, *origin, "name")
        country = any_country(group or naming_rng)
        words = naming.any_language(group or naming_rng, country)
        association = chance(naming_rng, country.association_share / 100) and group is None
        rng = stream(self._seed, realm, index, "facts")
        place = address(rng, country, words)
        if group is None:
            core = naming.organisation_name(naming_rng, words, place.city, association=association)
            common = origin != (realm, index)
            label = _label(rng, core, place.city, common=common)
        else:
            brand = naming.brand(group, words)
            # No two companies of a group bear the same name.
            fields = words.activities + words.regions
            group.shuffle(fields)
            core = f"{brand} {fields[traits.member % len(fields)]}"
            label = "".join(slug_words(brand))
        forms = pick(
            naming_rng, country.association_forms if association else country.company_forms
        )
        leads = association and country.association_form_leads
        has_form = chance(rng, 0.75)
        form = forms[0] if chance(rng, 0.8) else pick(rng, forms)
        tld_rng = group or rng
        domain = f"{label}.{weighted(tld_rng, country.tlds)}" if traits.domain else None
        return Organisation(
            country=country,
            words=words,
            association=association,
            core=core,
            forms=forms,
            form_leads=leads,
            name=with_form(core, form, leads=leads) if has_form else core,
            name_has_form=has_form,
            address=place,
            phone=phones.landline(rng, country),
            vat=vat_number(rng, country.code),
            domain=domain,
            website=traits.website,
        )
