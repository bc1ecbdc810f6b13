"""The word lists (``words/*.json``) that names, addresses and phone numbers are made of."""

from __future__ import annotations

from bisect import bisect
from functools import cache
from importlib.resources import files
from itertools import accumulate
from string import Formatter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from random import Random

Pattern = list[tuple[str, "str | None"]]


class Language(msgspec.Struct, frozen=True):
    """Words of one language; every entry of a list is as likely as the others."""

    associations: list[str]
    companies: list[str]
    topics: list[str]
    sports: list[str]
    sport_titles: list[str]
    trades: list[str]
    trade_plurals: list[str]
    activities: list[str]
    regions: list[str]
    foods: list[str]
    adjectives: list[str]
    landmarks: list[str]
    places: list[str]
    given_f: list[str]
    given_m: list[str]
    surnames: list[str]
    surname_syllables: list[list[str]]
    brand_syllables: list[list[str]]
    place_syllables: list[list[str]]
    place_link: str
    streets: list[str]
    street_names: list[str]
    civilities: list[str]
    noise: list[str]
    departments: list[str]
    abbreviations: list[tuple[str, str]]


class Country(msgspec.Struct, frozen=True):
    """One country: its languages, legal forms, numbering plan, domains and cities."""

    code: str
    french_name: str
    weight: int
    languages: dict[str, int]
    dialling_code: str
    trunk: str
    landline: list[str]
    mobile: list[str]
    digits: int
    groups: list[int]
    tlds: dict[str, int]
    association_share: int
    company_forms: list[list[str]]
    association_forms: list[list[str]]
    association_form_leads: bool
    free_mail: list[str]
    cities: list[tuple[str, str]]


def _words(name: str) -> bytes:
    return (files("sandbox.generate") / "words" / f"{name}.json").read_bytes()


@cache
def language(code: str) -> Language:
    """Return the words of the language ``code`` (ISO 639-1)."""
    return msgspec.json.decode(_words(code), type=Language)


@cache
def countries() -> tuple[Country, ...]:
    """Return every country that accounts of the sandbox come from."""
    return tuple(msgspec.json.decode(_words("countries"), type=list[Country]))


@cache
def _country_weights() -> list[int]:
    return list(accumulate(country.weight for country in countries()))


def any_country(rng: Random) -> Country:
    """Return a country, France more often than its neighbours."""
    weights = _country_weights()
    return countries()[bisect(weights, int(rng.random() * weights[-1]))]


def weighted(rng: Random, weights: dict[str, int]) -> str:
    """Return a key of ``weights``, each as likely as its weight says."""
    left = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        left -= weight
        if left < 0:
            return key
    return next(iter(weights))


@cache
def parsed(pattern: str) -> Pattern:
    """Split ``pattern`` into (literal text, name of the word that follows or None)."""
    return [(text, field) for text, field, _, _ in Formatter().parse(pattern)]
