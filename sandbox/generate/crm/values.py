"""Values of fields in the shapes in which Kizen sends them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.generate import naming
from sandbox.generate.companies import LAST_CREATED, kizen_datetime
from sandbox.generate.crm.model import BY_NAME, CONTACT, option
from sandbox.generate.seeds import chance, pick, stream, uuid
from sandbox.generate.spelling import slug_words
from sandbox.generate.vocabulary import language

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.crm.model import Record

TEAM_SIZE = 12


def choice(seed: int, rng: Random, name: str, field: str) -> Record:
    """Return one choice of ``field`` of the object ``name``."""
    model = next(f for f in BY_NAME[name].fields if f.name == field)
    return option(seed, name, model, pick(rng, model.options))


def tags(seed: int, rng: Random, kind: str, labels: tuple[str, ...]) -> list[Record]:
    """Return up to three of ``labels`` as tags."""
    chosen = dict.fromkeys(pick(rng, labels) for _ in range(int(rng.random() ** 2 * 4)))
    return [{"id": uuid(seed, "tag", kind, label), "name": label} for label in chosen]


def member(seed: int, index: int) -> Record:
    """Return a member of the team."""
    rng = stream(seed, "team", index)
    words = language("fr")
    first = naming.given_name(rng, words, female=chance(rng, 0.5))
    last = naming.surname(rng, words)
    local = ".".join("".join(slug_words(part)) for part in (first, last))
    return {
        "id": uuid(seed, "team", index),
        "first_name": first,
        "last_name": last,
        "email": f"{local}@crm.example",
    }


def owner(seed: int, rng: Random) -> Record | None:
    """Return who is in charge of a record: a member of the team, or nobody."""
    if chance(rng, 0.2):
        return None
    index = int(rng.random() * TEAM_SIZE)
    return {**member(seed, index), "deleted": index == TEAM_SIZE - 1}


def money(rng: Random) -> Record:
    """Return an amount of money: a number, the same as a string, or null."""
    amount = round(rng.random() * 50_000, 2)
    return {
        "currency": "EUR",
        "symbol": "€",
        "amount": pick(rng, (amount, amount, f"{amount:.2f}", None)),
    }


def decimal(rng: Random) -> float | str | None:
    """Return a decimal: a number, the same as a string, or null."""
    value = round(rng.random() * 100, 3)
    return pick(rng, (value, value, f"{value:.3f}", None))


def updated_after(rng: Random, created: datetime) -> datetime:
    """Return when a record that was created then was last changed."""
    if chance(rng, 0.3):
        return created
    return created + (LAST_CREATED - created) * rng.random()


def moment(rng: Random, around: datetime) -> str:
    """Return a time within a year after ``around``, as Kizen writes it."""
    return kizen_datetime(around + timedelta(days=365) * rng.random())


def contact_person(seed: int, index: int) -> Record:
    """Return the CRM's contact at ``index`` as a relation shows it."""
    rng = stream(seed, CONTACT, "person", index)
    words = language(pick(rng, ("fr", "fr", "fr", "fr", "de", "nl", "it", "es", "en", "fi")))
    first = naming.given_name(rng, words, female=chance(rng, 0.5))
    last = naming.surname(rng, words)
    local = "".join(slug_words(first)) + "." + "".join(slug_words(last))
    return {
        "id": uuid(seed, CONTACT, "record", index),
        "first_name": first,
        "last_name": last,
        # The address is unique among contacts.
        "email": f"{local}.{index}@{pick(rng, ('gmail.com', 'orange.fr', 'gmx.de', 'skynet.be'))}",
    }
