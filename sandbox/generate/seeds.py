"""Randomness that depends on a seed and a name only, never on the process or the order of use."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")


def _digest(seed: int, path: tuple[object, ...]) -> bytes:
    return blake2b(repr((seed, *path)).encode(), digest_size=16).digest()


def stream(seed: int, *path: object) -> Random:
    """Return a generator of its own for ``path`` (strings and integers) under ``seed``."""
    return Random(int.from_bytes(_digest(seed, path), "big"))  # noqa: S311 - invented data, no secret


@lru_cache(maxsize=1024)
def uuid(seed: int, *path: object) -> str:
    """Return the version 4 UUID that belongs to ``path`` (strings and integers) under ``seed``."""
    digits = _digest(seed, path).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """Return one of ``items``, each as likely as the other (quicker than ``Random.choice``)."""
    return items[int(rng.random() * len(items))]


def digits(rng: Random, count: int) -> str:
    """Return ``count`` decimal digits."""
    return str(int(rng.random() * 10**count)).zfill(count)


def chance(rng: Random, share: float) -> bool:
    """Return True with probability ``share``."""
    return rng.random() < share
