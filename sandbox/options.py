"""What a sandbox serves and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.credentials import Credentials
from sandbox.shares import Shares

CONTACTS_PER_SCALE = 2_000
COMPANIES_PER_SCALE = 600
MOST_COMPANIES = 1_000_000
MOST_CONTACTS = 5_000_000
ENVELOPES = ("array", "object", "keyed")
_MOST_PORTS = 65_535


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen about a sandbox.

    ``contacts`` and ``companies`` are numbers of records, ``latency`` is in milliseconds per
    request, ``rate_limit`` in Kizen requests per second and API key (0: none), ``port`` 0 takes any
    free port. ``kizen_count`` adds ``count`` to the pages of the legacy Kizen lists.

    Raises:
        ValueError: a value out of range, in one line that names the option.
    """

    contacts: int = CONTACTS_PER_SCALE
    companies: int = COMPANIES_PER_SCALE
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    envelope: str = "object"
    numbers_as_strings: bool = False
    latency: float = 0
    rate_limit: int = 25
    kizen_count: bool = False
    access_log: bool = False
    credentials: Credentials = field(default_factory=Credentials)
    shares: Shares = field(default_factory=Shares)

    def __post_init__(self) -> None:
        """Refuse values that cannot be served."""
        _within("contacts", self.contacts, MOST_CONTACTS)
        _within("companies", self.companies, MOST_COMPANIES)
        _within("port", self.port, _MOST_PORTS)
        for name in ("latency", "rate_limit"):
            if getattr(self, name) < 0:
                message = f"{name.replace('_', '-')} is {getattr(self, name)}: use 0 or more"
                raise ValueError(message)
        if self.envelope not in ENVELOPES:
            message = f"envelope is {self.envelope!r}: use one of {', '.join(ENVELOPES)}"
            raise ValueError(message)


def _within(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        message = f"{name} is {value:,}: use 0 to {most:,}"
        raise ValueError(message)


def counts_at(scale: float) -> tuple[int, int]:
    """Return how many contacts and companies ``scale`` stands for (1: 2,000 and 600)."""
    if not scale >= 0:
        message = f"scale is {scale}: use 0 or more"
        raise ValueError(message)
    if scale * COMPANIES_PER_SCALE > MOST_COMPANIES + COMPANIES_PER_SCALE / 2:
        most = MOST_COMPANIES / COMPANIES_PER_SCALE
        message = f"scale is {scale:g}: at most {most:.2f}, which is {MOST_COMPANIES:,} companies"
        raise ValueError(message)
    return (
        round(scale * CONTACTS_PER_SCALE),
        min(round(scale * COMPANIES_PER_SCALE), MOST_COMPANIES),
    )
