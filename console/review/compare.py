"""Two records side by side: what agrees, what differs, what is missing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from babel import Locale

Verdict = Literal["same", "part", "differs", "missing"]

_WORDS = re.compile(r"\w+", re.UNICODE)
_DIGITS_THAT_TELL = 9
_HOST = re.compile(r"^[a-z]+://", re.IGNORECASE)
# Languages in which countries are named in either system.
_LANGUAGES = ("en", "fr", "de", "nl", "es", "it", "pt")


@dataclass(frozen=True)
class Piece:
    """A run of a value, and whether the other side lacks it."""

    text: str
    differs: bool


@dataclass(frozen=True)
class Line:
    """One field of both records."""

    field: str
    left: list[Piece]
    right: list[Piece]
    verdict: Verdict


def folded(text: str) -> str:
    """Return a text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def line(field: str, left: str | None, right: str | None) -> Line:
    """Compare one field of both sides by its words.

    Phones are compared by their digits, addresses by their host, countries by their code, and VAT
    numbers by letters and digits.
    """
    one, other = (left or "").strip(), (right or "").strip()
    if not one or not other:
        return Line(field, _plain(one), _plain(other), "missing")
    if field == "phone":
        return _phones(one, other)
    if field == "domain":
        return _hosts(one, other)
    mine, theirs = _folded_words(one), _folded_words(other)
    verdict: Verdict = "part" if mine & theirs else "differs"
    if (mine and mine == theirs) or _key(field, one) == _key(field, other):
        verdict = "same"
    if verdict == "same":
        return Line(field, _plain(one), _plain(other), verdict)
    return Line(field, _pieces(one, theirs), _pieces(other, mine), verdict)


def _key(field: str, text: str) -> str:
    key = folded(text)
    if field == "country":
        return _country_codes().get(key, key)
    return re.sub(r"\W", "", key) if field == "vat_number" else key


@cache
def _country_codes() -> dict[str, str]:
    """Return the folded code of each country by its folded names."""
    return {
        folded(name): folded(code)
        for language in _LANGUAGES
        for code, name in Locale(language).territories.items()
    }


def _plain(text: str) -> list[Piece]:
    return [Piece(text, differs=False)] if text else []


def _folded_words(text: str) -> set[str]:
    return {folded(word) for word in _WORDS.findall(text)}


def _pieces(text: str, others: set[str]) -> list[Piece]:
    """Cut a text into runs that the other side has and runs that it lacks."""
    pieces: list[Piece] = []
    position = 0
    for word in _WORDS.finditer(text):
        differs = folded(word.group()) not in others
        if pieces and pieces[-1].differs == differs:
            pieces[-1] = Piece(pieces[-1].text + text[position : word.end()], differs)
        else:
            if between := text[position : word.start()]:
                pieces.append(Piece(between, differs=False))
            pieces.append(Piece(word.group(), differs))
        position = word.end()
    if rest := text[position:]:
        pieces.append(Piece(rest, differs=not pieces))
    return pieces


def _numbers(text: str) -> set[str]:
    digits = (re.sub(r"\D", "", number) for number in text.split(","))
    return {number[-_DIGITS_THAT_TELL:] for number in digits if number}


def _phones(one: str, other: str) -> Line:
    agree = bool(_numbers(one) & _numbers(other))
    return Line("phone", [Piece(one, not agree)], [Piece(other, not agree)],
                "same" if agree else "differs")  # fmt: skip


def host(text: str) -> str:
    """Return the host of an e-mail address or a web address."""
    rest = _HOST.sub("", text.strip().casefold()).rpartition("@")[2]
    return rest.partition("/")[0].removeprefix("www.")


def _hosts(one: str, other: str) -> Line:
    mine, theirs = ([host(part) for part in text.split(",")] for text in (one, other))
    agree = any(a == b or a.endswith(f".{b}") for a in mine for b in theirs if a and b)
    return Line("domain", [Piece(one, not agree)], [Piece(other, not agree)],
                "same" if agree else "differs")  # fmt: skip
