"""How two systems write one person: short forms, hyphens, other columns, former names, slips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.seeds import chance, pick
from sandbox.generate.spelling import typo, unaccented

if TYPE_CHECKING:
    from random import Random

_SHORT_FORMS = {
    "Pierre": "Pierrot", "Benoît": "Ben", "Thomas": "Tom", "Oliver": "Ollie", "Stéphane": "Steph",
    "Mickaël": "Mick", "Raphaël": "Raph", "Aurélien": "Aurel", "Matthias": "Matt",
    "Jérôme": "Jerry", "Callum": "Cal", "Étienne": "Tienou", "Catherine": "Cathy",
    "Isabelle": "Isa", "Nathalie": "Nath", "Françoise": "Fanfan", "Chloé": "Clo",
    "Amélie": "Mélie", "Stefan": "Steff", "Sander": "Alex", "Charlotte": "Charlie", "Emily": "Em",
    "Karim": "Karimou", "Véronique": "Véro",
}  # fmt: skip


def other_spelling(rng: Random, name: str) -> str:
    """Return a name in capitals, without accents or hyphens, or as it is."""
    kind = rng.random()
    if kind < 0.12:  # noqa: PLR2004 - shares of people
        return unaccented(name)
    if kind < 0.2:  # noqa: PLR2004
        return name.upper()
    if kind < 0.24:  # noqa: PLR2004
        return name.replace("-", " ")
    return name


def misspelt(
    rng: Random, name: tuple[str, str], maiden_name: str, *, female: bool
) -> tuple[str, str]:
    """Return a given and a family name as the other system writes them."""
    first, last = name
    kind = rng.random()
    if kind < 0.03:  # noqa: PLR2004 - shares of people
        first = _SHORT_FORMS.get(first, first)
    elif kind < 0.05:  # noqa: PLR2004
        first = typo(rng, first)
    elif kind < 0.055:  # noqa: PLR2004
        first = f"{first[0]}."
    elif "-" in first and kind < 0.2:  # noqa: PLR2004
        first = pick(rng, (first.split("-")[0], first.replace("-", ""), first.replace("-", " ")))
    kind = rng.random()
    if kind < 0.025:  # noqa: PLR2004
        last = typo(rng, last)
    elif kind < (0.06 if female else 0.03):
        doubled = (f"{last}-{maiden_name}", f"{maiden_name} {last}")
        last = pick(rng, (*doubled, maiden_name)) if female else pick(rng, doubled)
    first, last = other_spelling(rng, first), other_spelling(rng, last)
    return (last, first) if chance(rng, 0.01) else (first, last)


def other_birth_date(rng: Random, date: str) -> str | None:
    """Return a birth date (YYYY-MM-DD, or empty) as the other system has it, or none."""
    if not date or chance(rng, 0.2):
        return None
    year, month, day = date.split("-")
    if chance(rng, 0.02) and int(day) <= 12:  # noqa: PLR2004 - as many months as there are
        return f"{year}-{day}-{month}"
    if chance(rng, 0.015):
        return f"{int(year) + pick(rng, (-10, -1, 1, 10))}-{month}-{day}"
    return date


def respelled(rng: Random, number: str) -> str:
    """Return a phone number with other signs between its digits."""
    if chance(rng, 0.5):
        return number.replace(" ", "").replace(".", "")
    return number.replace(" ", ".") if chance(rng, 0.3) else number
