"""What a sandbox serves and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.credentials import Credentials
from sandbox.envelopes import ENVELOPES
from sandbox.generate.crm.model import BY_NAME
from sandbox.lies import LIES
from sandbox.shares import Shares
from sandbox.webhooks import FORMS, VARIED

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTACTS_PER_SCALE = 2_000
COMPANIES_PER_SCALE = 600
MOST_COMPANIES = 1_000_000
MOST_CONTACTS = 5_000_000
KANANAS_PAGINGS = ("none", "page", "offset")
KIZEN_ACCOUNTS = ("both", "legacy", "objects")
KIZEN_COUNTS = ("documented", "all", "none")
KIZEN_REFUSALS = ("updated-filter", "updated-ordering")
KIZEN_LISTS = (
    "activities", "automations", "forms", "permission_groups", "roles", "scheduled_activities",
    "surveys", "team",
)  # fmt: skip
_MOST_PORTS = 65_535


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen about a sandbox.

    Attributes:
        contacts: how many contacts Kananas has.
        companies: how many companies Kizen has.
        seed: the same seed gives the same data.
        host: the address to listen on.
        port: the port to listen on; 0 takes any free one.
        envelope: the shape of Kananas' answer, a key of :data:`sandbox.envelopes.ENVELOPES`.
        numbers_as_strings: whether Kananas' numbers are strings.
        latency: milliseconds by which every request is held back.
        rate_limit: Kizen requests per second and API key; 0 is no limit.
        kananas_lie: how Kananas' answers are wrong (a key of :data:`sandbox.lies.LIES`), or None.
        kananas_paging: which parameters Kananas heeds: none, ``page`` and ``limit``, or ``offset``
            and ``limit``; the latter two also ``updated_since``.
        kananas_webhook: the address that is told of each new contact, or None; a secret.
        kananas_webhook_form: how it is told, a key of :data:`sandbox.webhooks.FORMS`, or
            ``varied``: each time in another form.
        kizen_account: which generations of Kizen's API answer: ``both``, ``legacy`` or ``objects``.
        kizen_counts: where pages carry ``count``: as ``documented``, on ``all`` or on ``none``.
        kizen_hidden: objects (API names) and fixed lists (such as ``forms``) that the user may not
            see: objects are absent, lists are empty.
        kizen_refuses: what is answered with 400: ``updated-filter``, ``updated-ordering``.
        kizen_moving: before each page of companies, contacts or records, so many of them are
            archived and as many added.
        access_log: whether every request is told on stderr.
        credentials: what is accepted.
        shares: which share of the records has which trait.

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
    kananas_lie: str | None = None
    kananas_paging: str = "none"
    kananas_webhook: str | None = field(default=None, repr=False)
    kananas_webhook_form: str = VARIED
    kizen_account: str = "both"
    kizen_counts: str = "documented"
    kizen_hidden: tuple[str, ...] = ()
    kizen_refuses: tuple[str, ...] = ("updated-ordering",)
    kizen_moving: int = 0
    access_log: bool = False
    credentials: Credentials = field(default_factory=Credentials)
    shares: Shares = field(default_factory=Shares)

    def __post_init__(self) -> None:
        """Refuse values that cannot be served."""
        _within("contacts", self.contacts, MOST_CONTACTS)
        _within("companies", self.companies, MOST_COMPANIES)
        _within("port", self.port, _MOST_PORTS)
        for name in ("latency", "rate_limit", "kizen_moving"):
            if getattr(self, name) < 0:
                message = f"{name.replace('_', '-')} is {getattr(self, name)}: use 0 or more"
                raise ValueError(message)
        _known("envelope", ENVELOPES, self.envelope)
        _known("kananas-paging", KANANAS_PAGINGS, self.kananas_paging)
        _known("kananas-webhook-form", (VARIED, *FORMS), self.kananas_webhook_form)
        address = self.kananas_webhook
        if address is not None and not address.startswith(("http://", "https://")):
            message = "kananas-webhook is no address: it begins with http:// or https://"
            raise ValueError(message)
        _known("kizen-account", KIZEN_ACCOUNTS, self.kizen_account)
        _known("kizen-counts", KIZEN_COUNTS, self.kizen_counts)
        _known("kizen-hidden", (*BY_NAME, *KIZEN_LISTS), *self.kizen_hidden)
        _known("kizen-refuses", KIZEN_REFUSALS, *self.kizen_refuses)
        if self.kananas_lie is not None:
            _known("kananas-lie", LIES, self.kananas_lie)


def _within(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        message = f"{name} is {value:,}: use 0 to {most:,}"
        raise ValueError(message)


def _known(name: str, known: Iterable[str], *given: str) -> None:
    for value in given:
        if value not in known:
            message = f"{name} is {value!r}: use one of {', '.join(known)}"
            raise ValueError(message)


def counts_at(scale: float) -> tuple[int, int]:
    """Return how many contacts and companies ``scale`` stands for (1: 2,000 and 600).

    Raises:
        ValueError: it is negative, no number, or more than a million companies.
    """
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
