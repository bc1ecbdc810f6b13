"""VAT numbers that pass each country's published check, of companies that do not exist.

The checks are those of the national tax authorities as the European VIES service applies them;
Switzerland's is that of its business register (UID).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.generate.seeds import digits, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


def luhn_digit(number: str) -> int:
    """Return the digit that makes ``number`` followed by it pass the Luhn check."""
    total = 0
    for position, character in enumerate(reversed(number)):
        value = int(character) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of two digits
    return -total % 10


def _weighted_sum(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def _modulo_11(rng: Random, weights: Sequence[int]) -> str:
    while True:
        number = digits(rng, len(weights))
        check = -_weighted_sum(number, weights) % 11
        if check < 10:  # noqa: PLR2004 - a check of ten has no digit, such numbers are not issued
            return f"{number}{check}"


def _fr(rng: Random) -> str:
    head = f"{pick(rng, '345789')}{digits(rng, 7)}"
    siren = f"{head}{luhn_digit(head)}"
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def _be(rng: Random) -> str:
    head = f"0{pick(rng, '456789')}{digits(rng, 6)}"
    return f"BE{head}{97 - int(head) % 97:02d}"


def _lu(rng: Random) -> str:
    head = f"{pick(rng, '123')}{digits(rng, 5)}"
    return f"LU{head}{int(head) % 89:02d}"


def _de(rng: Random) -> str:
    head = f"{pick(rng, '123')}{digits(rng, 7)}"
    product = 10
    for digit in head:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return f"DE{head}{(11 - product) % 10}"


def _nl(rng: Random) -> str:
    return f"NL{_modulo_11_dutch(rng)}B{1 + int(rng.random() * 3):02d}"


def _modulo_11_dutch(rng: Random) -> str:
    while True:
        number = digits(rng, 8)
        check = _weighted_sum(number, range(9, 1, -1)) % 11
        if check < 10:  # noqa: PLR2004 - a check of ten has no digit, such numbers are not issued
            return f"{number}{check}"


def _it(rng: Random) -> str:
    head = f"0{digits(rng, 9)}"
    return f"IT{head}{luhn_digit(head)}"


def _es(rng: Random) -> str:
    head = digits(rng, 7)
    return f"ES{pick(rng, 'AB')}{head}{luhn_digit(head)}"


def _fi(rng: Random) -> str:
    return f"FI{_modulo_11(rng, (7, 9, 10, 5, 8, 4, 2))}"


def _gb(rng: Random) -> str:
    head = f"{pick(rng, '123456')}{digits(rng, 6)}"
    check = -_weighted_sum(head, range(8, 1, -1)) % 97
    return f"GB{head}{check:02d}"


def _ch(rng: Random) -> str:
    number = _modulo_11(rng, (5, 4, 3, 2, 7, 6, 5, 4))
    return f"CHE-{number[:3]}.{number[3:6]}.{number[6:]}"


_MAKERS: dict[str, Callable[[Random], str]] = {
    "BE": _be,
    "CH": _ch,
    "DE": _de,
    "ES": _es,
    "FI": _fi,
    "FR": _fr,
    "GB": _gb,
    "IT": _it,
    "LU": _lu,
    "NL": _nl,
}


def vat_number(rng: Random, country: str) -> str:
    """Return a plausible VAT number of ``country`` (ISO 3166-1 alpha-2), spelled compactly."""
    return _MAKERS[country](rng)


def spelled(rng: Random, number: str) -> str:
    """Return ``number`` as somebody typed it: compact, spaced, dotted or in small letters."""
    style = int(rng.random() * 5)
    prefix, rest = number[:2], number[2:]
    if style == 0:
        return f"{prefix} {rest}"
    if style == 1:
        groups = [rest[max(0, end - 3) : end] for end in range(len(rest), 0, -3)]
        return f"{prefix} {' '.join(reversed(groups))}"
    if style == 2:  # noqa: PLR2004 - the third of five styles
        return number.lower()
    return number
