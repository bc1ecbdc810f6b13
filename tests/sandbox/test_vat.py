"""Generated VAT numbers pass the checks, written here once more from their definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox.generate.seeds import stream
from sandbox.generate.vat import luhn_digit, spelled, vat_number
from sandbox.generate.vocabulary import countries

if TYPE_CHECKING:
    from collections.abc import Callable


def _luhn(number: str) -> bool:
    doubled = [int(c) * (1 + i % 2) for i, c in enumerate(reversed(number))]
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def _weighted(number: str, weights: str) -> int:
    return sum(int(n) * int(w, 16) for n, w in zip(number, weights, strict=True))


def _german(number: str) -> bool:
    product = 10
    for digit in number[:-1]:
        total = (int(digit) + product) % 10
        product = (2 * (10 if total == 0 else total)) % 11
    return (11 - product) % 10 == int(number[-1])


_CHECKS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "FR": (r"\d{11}", lambda n: _luhn(n[2:]) and (12 + 3 * int(n[2:])) % 97 == int(n[:2])),
    "BE": (r"0\d{9}", lambda n: int(n[:8]) % 97 + int(n[8:]) == 97),
    "LU": (r"\d{8}", lambda n: int(n[:6]) % 89 == int(n[6:])),
    "DE": (r"[1-9]\d{8}", _german),
    "NL": (r"\d{9}B\d\d", lambda n: _weighted(n[:8], "98765432") % 11 == int(n[8])),
    "IT": (r"\d{11}", _luhn),
    "ES": (r"[AB]\d{8}", lambda n: _luhn(n[1:])),
    "FI": (r"\d{8}", lambda n: _weighted(n, "79A58421") % 11 == 0),
    "GB": (r"\d{9}", lambda n: (_weighted(n[:7], "8765432") + int(n[7:])) % 97 == 0),
    "CH": (
        r"E-\d{3}\.\d{3}\.\d{3}",
        lambda n: _weighted(re.sub(r"\D", "", n), "543276541") % 11 == 0,
    ),
}


@pytest.mark.parametrize("code", [country.code for country in countries()])
def test_numbers_pass_their_country_s_check(code: str) -> None:
    rng = stream(1, "vat", code)
    pattern, check = _CHECKS[code]
    numbers = [vat_number(rng, code) for _ in range(300)]
    assert len(set(numbers)) > 290
    for number in numbers:
        assert number.startswith(code)
        assert re.fullmatch(pattern, number[2:]), number
        assert check(number[2:]), number


def test_known_numbers() -> None:
    assert luhn_digit("7992739871") == 3  # the example of the algorithm's patent


def test_spellings_keep_the_number() -> None:
    rng = stream(1, "spelled")
    texts = {spelled(rng, "FR40303265045") for _ in range(100)}
    assert {re.sub(r"\W", "", text).upper() for text in texts} == {"FR40303265045"}
    assert len(texts) == 4
