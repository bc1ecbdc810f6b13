"""Companies as Kizen serves them (the documented shape of ``GET /company``)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from sandbox.generate import phones, vat
from sandbox.generate.seeds import chance, pick, stream, uuid
from sandbox.generate.spelling import unaccented
from sandbox.generate.traits import CRM

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.organisations import Organisation
    from sandbox.generate.plan import Plan

Record = dict[str, object]

FIRST_CREATED = datetime(2015, 3, 2, 8, 0, tzinfo=timezone.utc)
LAST_CREATED = datetime(2026, 9, 30, 18, 0, tzinfo=timezone.utc)
_CENTRAL = timezone(timedelta(hours=-6))
_CENTRAL_SUMMER = timezone(timedelta(hours=-5))
_SUMMER_MONTHS = range(4, 11)

_TAGS = (
    "Client", "Prospect", "Partenaire", "Fournisseur", "Mécène", "Adhérent", "Presse",
    "Collectivité", "À relancer", "Salon 2024", "Großkunde", "VIP",
)  # fmt: skip
_SECTORS = ("Culture", "Sport", "Social", "Commerce", "Artisanat", "Industrie", "Services", "Santé")
_MAILBOXES = ("contact", "info", "accueil", "bonjour", "secretariat", "office")


def company_id(seed: int, index: int) -> str:
    """Return the id of the company at ``index``."""
    return uuid(seed, CRM, "company", index)


def kizen_datetime(moment: datetime) -> str:
    """Return ``moment`` as Kizen writes it: microseconds, and an offset that is not UTC."""
    zone = _CENTRAL_SUMMER if moment.month in _SUMMER_MONTHS else _CENTRAL
    return moment.astimezone(zone).isoformat(timespec="microseconds")


def created_at(rng: Random, index: int, count: int) -> datetime:
    """Return when the record at ``index`` of ``count`` was created: later than the one before."""
    step = (LAST_CREATED - FIRST_CREATED) / count
    return FIRST_CREATED + step * index + step * rng.random()


def _blank(rng: Random) -> str | None:
    return "" if chance(rng, 0.5) else None


def _tags(seed: int, rng: Random) -> list[Record]:
    count = int(rng.random() ** 2 * 4)
    names = dict.fromkeys(pick(rng, _TAGS) for _ in range(count))
    return [{"id": uuid(seed, "company tag", name), "name": name} for name in names]


def _address(rng: Random, name: str, organisation: Organisation) -> Record:
    street, postal_code, city = organisation.address
    return {
        "full_name": name if chance(rng, 0.3) else "",
        "street_address": street,
        "street_address_2": pick(rng, ("BP 12", "Bât. B", "2. OG")) if chance(rng, 0.06) else "",
        "city": city.upper() if chance(rng, 0.06) else city,
        "postal_code": postal_code,
        "state": None if chance(rng, 0.6) else "",
        "country": organisation.country.code,
    }


def _addresses(rng: Random, name: str, organisation: Organisation) -> list[Record]:
    if chance(rng, 0.06):
        return []
    addresses = [_address(rng, name, organisation)]
    if chance(rng, 0.05):
        addresses.append({**addresses[0], "street_address": "", "street_address_2": "CS 40012"})
    return addresses


def _website(rng: Random, domain: str) -> str:
    return pick(rng, ("https://www.{}/", "http://{}", "www.{}", "https://{}/fr/")).format(domain)


def _custom_fields(seed: int, rng: Random, organisation: Organisation, *, site: bool) -> Record:
    values: Record = {
        "vat_number": vat.spelled(rng, organisation.vat) if chance(rng, 0.6) else _blank(rng),
        "website": _website(rng, organisation.domain or "") if site else _blank(rng),
        "sector": pick(rng, _SECTORS) if chance(rng, 0.5) else None,
        "employees": int(rng.random() ** 3 * 400) if chance(rng, 0.4) else None,
    }
    return {
        key: {"field_id": uuid(seed, "company field", key), "value": value}
        for key, value in values.items()
    }


def _email(rng: Random, organisation: Organisation) -> str | None:
    if organisation.domain and chance(rng, 0.6):
        return f"{pick(rng, _MAILBOXES)}@{organisation.domain}"
    if organisation.domain is None and chance(rng, 0.6):
        local = unaccented(organisation.core).lower().replace(" ", ".").replace("'", "")
        local = "".join(c for c in local if c.isalnum() or c in ".-")[:30].strip(".-")
        return f"{local}@{pick(rng, organisation.country.free_mail)}"
    return _blank(rng)


def company(plan: Plan, index: int) -> Record:
    """Return the company at ``index`` of the CRM."""
    seed = plan.seed
    organisation = plan.organisations.get(CRM, index)
    rng = stream(seed, CRM, "record", index)
    country = organisation.country
    name = organisation.name.upper() if chance(rng, 0.06) else organisation.name
    domains: list[Record] = []
    in_custom_field = False
    if organisation.website and organisation.domain:
        # Either place may hold the website, often both do.
        in_list = chance(rng, 0.9)
        in_custom_field = not in_list or chance(rng, 0.5)
        if in_list:
            domain = organisation.domain
            domains.append({"id": uuid(seed, "domain", domain), "name": domain})
    return {
        "id": company_id(seed, index),
        "name": name,
        "email": _email(rng, organisation),
        "mobile_phone": (
            phones.spelled(rng, phones.mobile(rng, country), country)
            if chance(rng, 0.2)
            else _blank(rng)
        ),
        "business_phone": (
            phones.spelled(rng, organisation.phone, country) if chance(rng, 0.8) else _blank(rng)
        ),
        "addresses": _addresses(rng, name, organisation),
        "tags": _tags(seed, rng),
        "domains": domains,
        "created": kizen_datetime(created_at(rng, index, plan.companies)),
        "custom_fields": _custom_fields(seed, rng, organisation, site=in_custom_field),
    }
