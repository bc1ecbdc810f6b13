"""Traits of companies that are exact shares: decided for all of them before any is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.generate.seeds import pick, stream

if TYPE_CHECKING:
    from sandbox.shares import Shares

BLOCK = 1000
"""Shares are exact within each block of this many records, and over all blocks together."""

CRM = "crm"
"""The companies that the CRM holds."""
MISSING = "missing"
"""The companies that contacts belong to but the CRM does not know."""

_WEBSITE, _MAIL_DOMAIN, _CONTACTLESS = 1, 2, 4
_UNLISTED_DOMAIN = 0.3
_GROUP_SIZE = 4


def quota(share: float, start: int, end: int) -> int:
    """Return how many of the records ``start`` to ``end`` have a trait of this share.

    Rounded such that the quotas of all blocks add up to the rounded share of the whole.
    """
    return int(share * end + 0.5) - int(share * start + 0.5)


class Traits(NamedTuple):
    """What is decided about one company: listed website, own mail domain, group, namesake.

    ``member`` counts the companies of the group from 0.
    """

    website: bool
    domain: bool
    group: int | None
    member: int
    namesake: int


class CompanyTraits:
    """The traits of ``count`` companies of one realm (:data:`CRM` or :data:`MISSING`)."""

    def __init__(self, seed: int, realm: str, count: int, shares: Shares) -> None:
        """Decide every trait; takes about a second for a million companies."""
        self.count = count
        self._flags = bytearray(count)
        self._groups: dict[int, tuple[int, int]] = {}
        self._namesakes: dict[int, int] = {}
        for start in range(0, count, BLOCK):
            self._decide(seed, realm, start, min(start + BLOCK, count), shares)

    def _decide(self, seed: int, realm: str, start: int, end: int, shares: Shares) -> None:
        rng = stream(seed, realm, "traits", start)
        order = list(range(start, end))
        rng.shuffle(order)
        websites = quota(shares.website, start, end)
        grouped = quota(shares.group_domain, start, end)
        if grouped == 1:  # a group has more than one company
            grouped = 0
        unlisted = int((len(order) - websites) * _UNLISTED_DOMAIN + 0.5)
        for index in order[:websites]:
            self._flags[index] |= _WEBSITE | _MAIL_DOMAIN
        for index in order[websites : websites + unlisted]:
            self._flags[index] |= _MAIL_DOMAIN
        groups = max(1, grouped // _GROUP_SIZE)
        for position, index in enumerate(order[:grouped]):
            member, group = divmod(position, groups)
            self._groups[index] = start + group, member
        # A namesake's own name must be its own: it is no namesake and in no group.
        namesakes = quota(shares.same_name, start, end)
        originals = order[grouped + namesakes :]
        if originals:
            for index in order[grouped : grouped + namesakes]:
                self._namesakes[index] = pick(rng, originals)
        rng.shuffle(order)
        for index in order[: quota(shares.without_contact, start, end)]:
            self._flags[index] |= _CONTACTLESS

    def __getitem__(self, index: int) -> Traits:
        """Return the traits of the company at ``index``."""
        flags = self._flags[index]
        group, member = self._groups.get(index, (None, 0))
        return Traits(
            bool(flags & _WEBSITE),
            bool(flags & _MAIL_DOMAIN),
            group,
            member,
            self._namesakes.get(index, index),
        )

    def has_domain(self, index: int) -> bool:
        """Return whether the company at ``index`` has e-mail addresses of its own domain."""
        return bool(self._flags[index] & _MAIL_DOMAIN)

    def with_contacts(self) -> list[int]:
        """Return the companies that some contact belongs to, in order."""
        return [index for index, flags in enumerate(self._flags) if not flags & _CONTACTLESS]
