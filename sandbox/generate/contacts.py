"""Contacts as the sandbox's Kananas serves them; the keys are this project's assumption."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.generate import naming, phones, vat
from sandbox.generate.addresses import address
from sandbox.generate.mailboxes import corporate_address, free_address
from sandbox.generate.seeds import chance, pick, stream
from sandbox.generate.spelling import slug_words
from sandbox.generate.traits import CRM, MISSING
from sandbox.generate.vocabulary import any_country
from sandbox.generate.wording import organisation_text

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.organisations import Organisation
    from sandbox.generate.plan import Plan, Role

Record = dict[str, object]

_FIRST_ID = 1001
_FIRST_CREATED = datetime(2012, 1, 9, 9, 0)  # noqa: DTZ001 - PHP writes local time without a zone
_DAYS = 5_300
_TYPES_PRIVATE = ("member", "member", "member", "member", "volunteer", "donor")
_TYPES_EMPLOYED = ("member", "member", "donor", "volunteer", "supplier")
_TYPES_ORGANISATION = ("supplier", "supplier", "donor", "member")
_CATEGORIES = ("Adulte", "Jeune", "Famille", "Bienfaiteur", "Tarif réduit", "Professionnel")
_STATUSES = ("active",) * 8 + ("pending", "deregistered")
_TAGS = ("newsletter", "bureau", "chorale", "été 2024", "donateur régulier", "sans photo", "presse")
_ENTITIES = ("Fédération nationale", "Antenne Nord", "Antenne Sud", "Section jeunes")
_SIZES = ("XS", "S", "M", "L", "XL")


def contact_id(index: int) -> int:
    """Return the id of the contact at ``index``: rising, with gaps as deletions leave them."""
    return _FIRST_ID + index + index // 9


def stamp(moment: str) -> int:
    """Return a time as PHP writes it as a number that rises with it; other text is 0."""
    digits = "".join(character for character in moment if character.isdecimal())
    return int(digits[:14].ljust(14, "0")) if digits else 0


def updated_at(record: Record) -> int:
    """Return the stamp of the last change of a contact; 0 if it tells none."""
    return stamp(str(record.get("updated_at", "")))


def _blank(rng: Random) -> str | None:
    return None if chance(rng, 0.2) else ""


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _other_domain(plan: Plan, rng: Random) -> str | None:
    """Return the domain of some organisation, whoever it is."""
    realms = [realm for realm in (CRM, MISSING) if plan.organisations.traits[realm].count]
    for _ in range(20 if realms else 0):
        realm = pick(rng, realms)
        traits = plan.organisations.traits[realm]
        index = int(rng.random() * traits.count)
        if traits.has_domain(index):
            return plan.organisations.get(realm, index).domain
    return None


def _email(
    plan: Plan, rng: Random, role: Role, person: tuple[str, str], employer: Organisation | None
) -> str | None:
    if role.corporate:
        domain = employer.domain if employer and not role.adviser else _other_domain(plan, rng)
        if domain:
            return corporate_address(rng, person, domain)
    if role.free:
        country = employer.country if employer else any_country(rng)
        return free_address(rng, person, country)
    return _blank(rng)


def _phones(
    rng: Random, role: Role, employer: Organisation | None
) -> tuple[str | None, str | None]:
    """Return the land line and the mobile number; one of them, at least, where there is a phone."""
    if not role.phone:
        return _blank(rng), _blank(rng)
    country = employer.country if employer else any_country(rng)
    kind = rng.random()
    if employer and kind < 0.55:  # noqa: PLR2004 - most give the number of their office
        number = employer.phone
        if chance(rng, 0.25):
            number = phones.extension(rng, number)
        line: str | None = phones.spelled(rng, number, country)
        own = phones.spelled(rng, phones.mobile(rng, country), country)
        return line, own if chance(rng, 0.3) else _blank(rng)
    if chance(rng, 0.25):
        return phones.spelled(rng, phones.landline(rng, country), country), _blank(rng)
    return _blank(rng), phones.spelled(rng, phones.mobile(rng, country), country)


def _birth_date(rng: Random) -> str:
    if chance(rng, 0.55):
        return ""
    year = 1935 + int(rng.random() * 84)
    return f"{year}-{1 + int(rng.random() * 12):02d}-{1 + int(rng.random() * 28):02d}"


def _free_fields(rng: Random) -> Record:
    free: Record = {}
    if chance(rng, 0.5):
        free["tshirt_size"] = pick(rng, _SIZES)
    if chance(rng, 0.3):
        free["medical_certificate"] = (
            "" if chance(rng, 0.4) else f"202{int(rng.random() * 6)}-09-01"
        )
    if chance(rng, 0.25):
        free["image_rights"] = pick(rng, ("oui", "non"))
    return free


def _balance(rng: Random) -> float | int:
    if chance(rng, 0.7):
        return 0
    return round(rng.random() * 300 - 100, 2)


def contact(plan: Plan, index: int) -> Record:
    """Return the contact at ``index`` of the back office."""
    role = plan.role(index)
    rng = stream(plan.seed, "contact", index)
    employer = plan.organisations.get(role.realm, role.company) if role.realm else None
    # One contact in twelve is an organisation itself; it needs a name to be one.
    is_organisation = bool(employer) and role.organisation and chance(rng, 0.12)
    country = employer.country if employer else any_country(rng)
    words = employer.words if employer else naming.any_language(rng, country)
    female = chance(rng, 0.5)
    first = naming.given_name(rng, words, female=female)
    last = naming.surname(rng, words)
    place = address(rng, country, words)
    if employer and chance(rng, 0.5):
        place = employer.address
    text = _blank(rng)
    if role.organisation:
        text = organisation_text(plan, rng, role, employer) if employer else pick(rng, words.noise)
    has_address = chance(rng, 0.75)
    email = _email(plan, rng, role, ("", "") if is_organisation else (first, last), employer)
    line, own = _phones(rng, role, employer)
    created = _FIRST_CREATED + timedelta(seconds=int(rng.random() * _DAYS * 86_400))
    updated = (
        created + timedelta(seconds=int(rng.random() ** 3 * 3e7)) if chance(rng, 0.7) else created
    )
    website = ""
    if employer and employer.domain and is_organisation and chance(rng, 0.4):
        website = f"https://www.{employer.domain}"
    kinds = (
        _TYPES_ORGANISATION if is_organisation else _TYPES_EMPLOYED if employer else _TYPES_PRIVATE
    )
    identity = contact_id(index)
    shouted = last.upper() if chance(rng, 0.3) else last
    if is_organisation:
        shouted = str(text) if chance(rng, 0.5) else ""
    return {
        "id": identity,
        "type": pick(rng, kinds),
        "civility": "" if is_organisation else words.civilities[female],
        "last_name": shouted,
        "first_name": "" if is_organisation else first,
        "organisation": text,
        "email": email,
        "phone": line,
        "mobile": own,
        "address": place.street if has_address else "",
        "postal_code": place.postal_code if has_address else "",
        "city": place.city if has_address else _blank(rng),
        "country": country.french_name if chance(rng, 0.15) else country.code,
        "website": website,
        "vat_number": vat.spelled(rng, employer.vat) if employer and role.vat else _blank(rng),
        "birth_date": "" if is_organisation else _birth_date(rng),
        "status": pick(rng, _STATUSES),
        "category": pick(rng, _CATEGORIES) if chance(rng, 0.8) else None,
        "tags": list(dict.fromkeys(pick(rng, _TAGS) for _ in range(int(rng.random() ** 2 * 4)))),
        "entity": pick(rng, _ENTITIES) if chance(rng, 0.6) else None,
        "family_head": (
            contact_id(max(0, index - 1 - int(rng.random() * 5)))
            if index and role.realm is None and chance(rng, 0.15)
            else None
        ),
        "balance": _balance(rng),
        "free_fields": _free_fields(rng),
        "photo": f"https://backoffice.example/photos/{identity}.jpg" if chance(rng, 0.1) else "",
        "login": "".join(slug_words(first + last))[:20] if chance(rng, 0.35) else "",
        "created_at": _moment(created),
        "updated_at": _moment(updated),
    }
