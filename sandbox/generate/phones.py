"""Phone numbers and the five ways in which people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.seeds import digits, pick

if TYPE_CHECKING:
    from random import Random

    from sandbox.generate.vocabulary import Country

SPELLINGS = 5
"""How many ways of writing a number there are."""


def landline(rng: Random, country: Country) -> str:
    """Return a land line's significant digits: no country code and no trunk prefix."""
    return _number(rng, country, pick(rng, country.landline))


def mobile(rng: Random, country: Country) -> str:
    """Return a mobile number's significant digits."""
    return _number(rng, country, pick(rng, country.mobile))


def _number(rng: Random, country: Country, prefix: str) -> str:
    return prefix + digits(rng, country.digits - len(prefix))


def extension(rng: Random, number: str) -> str:
    """Return a direct line behind the switchboard ``number``: its last two digits differ."""
    return number[:-2] + digits(rng, 2)


def _grouped(number: str, groups: list[int]) -> list[str]:
    parts, start = [], 0
    for size in groups:
        parts.append(number[start : start + size])
        start += size
    return parts


def spelled(rng: Random, number: str, country: Country, style: int | None = None) -> str:
    """Write ``number`` in one of the five spellings (``style`` 0 to 4; a random one by default).

    0 ``+33472102030`` · 1 ``+33 (0)4 72 10 20 30`` · 2 ``04 72 10 20 30`` · 3 ``04.72.10.20.30`` ·
    4 ``0472102030``
    """
    style = int(rng.random() * SPELLINGS) if style is None else style
    if style == 0:
        return f"+{country.dialling_code}{number}"
    parts = _grouped(number, country.groups)
    if style == 1:
        trunk = f"({country.trunk})" if country.trunk else ""
        return f"+{country.dialling_code} {trunk}{' '.join(parts)}"
    parts[0] = country.trunk + parts[0]
    return (" ", ".", "")[style - 2].join(parts)
