"""How people misspell, fold and shorten what they write."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sandbox.generate.seeds import pick

if TYPE_CHECKING:
    from random import Random

_LIGATURES = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "Œ": "Oe"}
)
_NEIGHBOURS = {
    "a": "zqs", "b": "vn", "c": "xv", "d": "sf", "e": "rz", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "km", "m": "ln", "n": "bm", "o": "ip", "p": "om",
    "q": "as", "r": "et", "s": "dq", "t": "ry", "u": "yi", "v": "cb", "w": "xs", "x": "wc",
    "y": "tu", "z": "ae",
}  # fmt: skip
SMALL_WORDS = frozenset(
    ["de", "du", "des", "la", "le", "les", "l", "d", "et", "en", "of", "the", "and", "der", "van"]
)
"""Words that names are full of and that addresses and initials leave out."""


def unaccented(text: str) -> str:
    """Return ``text`` in the letters of ASCII, as far as they have one."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def slug_words(text: str) -> list[str]:
    """Return the words of ``text`` as an address can hold them: small ASCII letters and digits."""
    return re.findall(r"[a-z0-9]+", unaccented(text).lower())


def typo(rng: Random, text: str) -> str:
    """Return ``text`` with one slip of the finger inside a word; text of few letters stays."""
    places = [
        index
        for index in range(1, len(text) - 1)
        if text[index].isalpha() and text[index - 1].isalpha()
    ]
    while places:
        index = places.pop(int(rng.random() * len(places)))
        letter, kind = text[index], int(rng.random() * 4)
        if kind == 0:
            changed = text[:index] + text[index + 1 :]
        elif kind == 1:
            changed = text[:index] + letter + text[index:]
        elif kind == 2:  # noqa: PLR2004 - the third of four slips
            changed = text[: index - 1] + letter + text[index - 1] + text[index + 1 :]
        else:
            near = pick(rng, _NEIGHBOURS.get(letter.lower(), "e"))
            changed = text[:index] + near + text[index + 1 :]
        if changed != text:
            return changed
    return text


def acronym(text: str) -> str:
    """Return the initials of the words of ``text`` that carry meaning, in capitals."""
    initials = [word[0] for word in slug_words(text) if word not in SMALL_WORDS]
    return "".join(initials).upper()


def elided(text: str) -> str:
    """Return French ``text`` with ``de`` shortened before a vowel and joined with an article."""
    text = re.sub(r"\bde (?=[AEIOUYÉÈÎÔaeiouyéèêîô])", "d'", text)
    return re.sub(r"\bde Le\b", "du", re.sub(r"\bde Les\b", "des", text))
