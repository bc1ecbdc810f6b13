"""Postal addresses: real cities, invented places in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.generate.naming import surname
from sandbox.generate.seeds import chance, digits, pick

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.vocabulary import Country, Language

_NUMBER_FIRST = frozenset({"FR", "LU", "GB"})
_POSTAL_DIGITS = {"BE": 4, "LU": 4, "CH": 4, "NL": 4}
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


class Address(NamedTuple):
    """One address; ``street`` holds the house number as the country writes it."""

    street: str
    postal_code: str
    city: str


def address(rng: Random, country: Country, words: Language) -> Address:
    """Return an address in one of the country's cities."""
    city, prefix = pick(rng, country.cities)
    return Address(_street(rng, country, words), _postal_code(rng, country, prefix), city)


def _street(rng: Random, country: Country, words: Language) -> str:
    # Every city has its rue de la République; most streets are found in one city only.
    name = pick(rng, words.street_names) if chance(rng, 0.3) else surname(rng, words, common=0)
    street = pick(rng, words.streets).format(name)
    number = str(1 + int(rng.random() ** 2 * 180))
    if country.code in _NUMBER_FIRST:
        if chance(rng, 0.05):
            number += " bis"
        return f"{number}, {street}" if chance(rng, 0.3) else f"{number} {street}"
    return f"{street[0].upper()}{street[1:]} {number}"


def _postal_code(rng: Random, country: Country, prefix: str) -> str:
    if country.code == "GB":
        area = 1 + int(rng.random() * 16)
        return f"{prefix}{area} {digits(rng, 1)}{pick(rng, _LETTERS)}{pick(rng, _LETTERS)}"
    code = (prefix + digits(rng, 1)).ljust(_POSTAL_DIGITS.get(country.code, 5), "0")
    if country.code == "NL":
        return f"{code} {pick(rng, _LETTERS)}{pick(rng, _LETTERS)}"
    return code
