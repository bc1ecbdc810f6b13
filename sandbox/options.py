"""What a sandbox serves and how it behaves."""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sandbox.credentials import Credentials
from sandbox.generate.crm.lists import FIXED_LISTS
from sandbox.generate.crm.model import BY_NAME
from sandbox.kananas.corrupted_responses import LIES
from sandbox.kananas.envelopes import ENVELOPES
from sandbox.kananas.webhooks import FORMS, VARIED
from sandbox.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTACTS_PER_SCALE = 2_000
COMPANIES_PER_SCALE = 600
DEFAULT_PORT = 8765
MOST_COMPANIES = 1_000_000
KIZEN_LISTS = (*(fixed.name for fixed in FIXED_LISTS), "scheduled_activities")


_Value = TypeVar("_Value")


def _option(words: str, *, default: _Value, **more: object) -> _Value:
    """Return a field of :class:`Options` with what the command line says of it.

    Args:
        words: what ``--help`` says of it.
        default: its default.
        more: ``choices``, ``most`` (of a number), ``metavar``, ``is_secret`` (never printed);
            ``usual``: the default of the command line, where it is another one.
    """
    made: Any = field(
        default=default, repr="is_secret" not in more, metadata={"help": words, **more}
    )
    return cast("_Value", made)


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen about a sandbox; each is an option of the command line.

    Raises:
        ValueError: a value out of range, in one line that names the option.
    """

    contacts: int = _option(
        "number of contacts, whatever the scale", default=CONTACTS_PER_SCALE, most=5_000_000
    )
    companies: int = _option(
        "number of companies, whatever the scale", default=COMPANIES_PER_SCALE, most=MOST_COMPANIES
    )
    seed: int = _option("the same seed gives the same data", default=1)
    host: str = _option("address to listen on", default="127.0.0.1")
    port: int = _option(
        "port to listen on; 0 takes any free one", default=0, most=65_535, usual=DEFAULT_PORT
    )
    envelope: str = _option("shape of Kananas' answer", default="object", choices=ENVELOPES)
    numbers_as_strings: bool = _option("numbers of Kananas as strings", default=False)
    latency: float = _option("milliseconds per request", default=0, most=math.inf)
    rate_limit: int = _option(
        "Kizen requests per second and API key; 0 is no limit", default=25, most=math.inf
    )
    kananas_lie: str | None = _option(
        f"answer wrongly with status 200: {', '.join(LIES)}",
        default=None,
        choices=LIES,
        metavar="LIE",
    )
    kananas_paging: str = _option(
        "parameters that Kananas heeds: page and limit, or offset and limit; the "
        "latter two also updated_since",
        default="none",
        choices=("none", "page", "offset"),
    )
    kananas_webhook: str | None = _option(
        "where to send a webhook for each contact that registers, a secret; also from the "
        "environment variable SANDBOX_KANANAS_WEBHOOK",
        default=None,
        metavar="ADDRESS",
        is_secret=True,
    )
    kananas_webhook_form: str = _option(
        f"how a webhook looks ({VARIED}: each time another way)",
        default=VARIED,
        choices=(VARIED, *FORMS),
    )
    kizen_account: str = _option(
        "generations of Kizen's API that answer",
        default="both",
        choices=("both", "legacy", "objects"),
    )
    kizen_counts: str = _option(
        "which of Kizen's pages carry a count",
        default="documented",
        choices=("documented", "all", "none"),
    )
    kizen_hidden: tuple[str, ...] = _option(
        "object (by API name), which is then absent, or list, which is then empty, that the "
        "Kizen user may not see; may be repeated",
        default=(),
        choices=(*BY_NAME, *KIZEN_LISTS),
        metavar="NAME",
    )
    kizen_refuses: tuple[str, ...] = _option(
        "what Kizen answers with 400; may be repeated",
        default=("updated-ordering",),
        choices=("updated-filter", "updated-ordering"),
    )
    kizen_moving: int = _option(
        "archive and add so many records before each page of companies, contacts or records",
        default=0,
        most=math.inf,
        metavar="N",
    )
    access_log: bool = _option("a line per request on stderr", default=False)
    credentials: Credentials = field(default_factory=Credentials)
    shares: Shares = field(default_factory=Shares)

    def __post_init__(self) -> None:
        """Refuse values that cannot be served."""
        for option in offered():
            given = getattr(self, option.name)
            if "most" in option.metadata:
                _within(dashed(option.name), given, option.metadata["most"])
            if "choices" in option.metadata and given is not None:
                values = given if isinstance(given, tuple) else (given,)
                _known(dashed(option.name), option.metadata["choices"], *values)
        address = self.kananas_webhook
        if address is not None and not address.startswith(("http://", "https://")):
            message = "kananas-webhook is no address: it begins with http:// or https://"
            raise ValueError(message)


def offered() -> list[Field[Any]]:
    """Return the fields of :class:`Options` that are options of the command line."""
    return [each for each in fields(Options) if each.metadata]


def dashed(name: str) -> str:
    """Return a name as the command line spells it."""
    return name.replace("_", "-")


def _within(name: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        limits = "0 or more" if most == math.inf else f"0 to {most:,}"
        message = f"{name} is {value:,}: use {limits}"
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
