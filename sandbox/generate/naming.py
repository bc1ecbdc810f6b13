"""Names of organisations and people, put together from the word lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.seeds import chance, pick
from sandbox.generate.spelling import elided
from sandbox.generate.vocabulary import Country, Language, language, parsed, weighted

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


_VOWELS = frozenset("aeiouyéèê")


def _joined(left: str, right: str) -> str:
    """Return ``left`` followed by ``right`` without a letter thrice or two vowels in the seam."""
    seam = left[-1:].lower()
    if right and (seam == right[0] or (seam in _VOWELS and right[0] in _VOWELS)):
        return left + right[1:]
    return left + right


def brand(rng: Random, words: Language) -> str:
    """Return an invented brand."""
    starts, middles, ends = words.brand_syllables
    name = _joined(pick(rng, starts), pick(rng, middles))
    if chance(rng, 0.4):
        name = _joined(name, pick(rng, middles))
    return _joined(name, pick(rng, ends))


def surname(rng: Random, words: Language, common: float = 0.4) -> str:
    """Return a family name: one of the ``common`` share, or an invented one."""
    if chance(rng, common):
        return pick(rng, words.surnames)
    firsts, seconds, thirds = words.surname_syllables
    first, second = pick(rng, firsts), pick(rng, seconds)
    name = first + second if first.endswith(" ") else _joined(first, second.lower())
    if chance(rng, 0.3):
        name = _joined(name, pick(rng, seconds).lower())
    return _joined(name, pick(rng, thirds))


def _founder(rng: Random, words: Language) -> str:
    """Return the family that an organisation is named after."""
    return surname(rng, words, common=0.02)


def place(rng: Random, words: Language) -> str:
    """Return an invented village or quarter."""
    if chance(rng, 0.03):
        return pick(rng, words.places)
    firsts, seconds, thirds = words.place_syllables
    first, second = pick(rng, firsts), pick(rng, seconds)
    name = first + second.title() if first.endswith(" ") else _joined(first, second)
    return _joined(name, pick(rng, thirds))


def given_name(rng: Random, words: Language, *, female: bool) -> str:
    """Return a given name."""
    return pick(rng, words.given_f if female else words.given_m)


_FIELDS: dict[str, Callable[[Random, Language], str]] = {
    "activity": lambda rng, words: pick(rng, words.activities),
    "adjective": lambda rng, words: pick(rng, words.adjectives),
    "brand": brand,
    "food": lambda rng, words: pick(rng, words.foods),
    "landmark": lambda rng, words: pick(rng, words.landmarks),
    "place": place,
    "region": lambda rng, words: pick(rng, words.regions),
    "sport": lambda rng, words: pick(rng, words.sports),
    "sport_title": lambda rng, words: pick(rng, words.sport_titles),
    "surname": _founder,
    "topic": lambda rng, words: pick(rng, words.topics),
    "trade": lambda rng, words: pick(rng, words.trades),
    "trade_plural": lambda rng, words: pick(rng, words.trade_plurals),
}


_TELLING = frozenset({"brand", "city", "place", "surname"})
"""Words that hardly two organisations have in common."""


def organisation_name(rng: Random, words: Language, city: str, *, association: bool) -> str:
    """Return the name of an organisation in ``city``, without a legal form."""
    pattern = pick(rng, words.associations if association else words.companies)
    parts = []
    telling = False
    for text, field in parsed(pattern):
        parts.append(text)
        if field == "city":
            # Most clubs are a quarter's or a village's, a few are the whole city's.
            parts.append(city if chance(rng, 0.03) else place(rng, words))
        elif field:
            parts.append(_FIELDS[field](rng, words))
        telling = telling or field in _TELLING
    if not telling and chance(rng, 0.99):
        parts += (words.place_link, place(rng, words))
    return elided("".join(parts))


def any_language(rng: Random, country: Country) -> Language:
    """Return one of the languages of ``country``."""
    return language(weighted(rng, country.languages))
