"""E-mail addresses of people and organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.seeds import chance, digits, pick
from sandbox.generate.spelling import slug_words

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.vocabulary import Country

_MAILBOXES = ("contact", "info", "accueil", "administration", "compta", "secretariat")
_PERSON_STYLES = ("{f}.{l}", "{f}.{l}", "{i}.{l}", "{i}{l}", "{f}", "{l}", "{f}-{l}", "{l}.{f}")


def _local(rng: Random, person: tuple[str, str]) -> str:
    first, last = ("".join(slug_words(name)) for name in person)
    if not first or not last:
        return pick(rng, _MAILBOXES)
    return pick(rng, _PERSON_STYLES).format(f=first, i=first[0], l=last)


def corporate_address(rng: Random, person: tuple[str, str], domain: str) -> str:
    """Return an address in ``domain`` for ``person`` (given and family name; empty: a mailbox)."""
    local = _local(rng, person)
    if chance(rng, 0.03):
        return f"{local.title()}@{domain.capitalize()}"
    return f"{local}@{domain}"


def free_address(rng: Random, person: tuple[str, str], country: Country) -> str:
    """Return an address that ``person`` has with one of the country's free-mail providers."""
    local = _local(rng, person)
    if local in _MAILBOXES or chance(rng, 0.4):
        local = f"{local}{digits(rng, 2)}"
    return f"{local}@{pick(rng, country.free_mail)}"
