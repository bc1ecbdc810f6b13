"""Which share of the generated records has which trait."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple


def _share(default: float, meaning: str) -> float:
    share: float = field(default=default, metadata={"help": meaning})
    return share


@dataclass(frozen=True)
class Shares:
    """Shares between 0 and 1; "of all contacts" and so on say what each is a share of.

    Raises:
        ValueError: a share outside 0 to 1, or shares that cannot hold together.
    """

    organisation: float = _share(0.55, "contacts with an organisation name, of all contacts")
    corporate_email: float = _share(0.45, "contacts with a corporate e-mail, of all contacts")
    free_email: float = _share(0.40, "contacts with a free-mail address, of all contacts")
    phone: float = _share(0.60, "contacts with a phone number, of all contacts")
    vat: float = _share(0.08, "contacts with a VAT number, of all contacts")
    private: float = _share(0.35, "private contacts with no employer, of all contacts")
    missing_company: float = _share(
        0.25, "contacts whose company is missing from the CRM, of all contacts"
    )
    typo: float = _share(0.06, "organisation names with a typo, of contacts with one")
    legal_form: float = _share(
        0.30, "organisation names whose legal form is dropped or spelled otherwise, of the same"
    )
    rewritten: float = _share(
        0.12, "organisation names in other case, without accents or shortened, of the same"
    )
    acronym: float = _share(0.006, "organisation names that are initials, of the same")
    renamed: float = _share(0.004, "organisation names from before a renaming, of the same")
    adviser: float = _share(
        0.01, "corporate e-mails in the domain of some other organisation, of corporate e-mails"
    )
    crm_person: float = _share(0.33, "contacts who are people of the CRM too, of those with a name")
    household: float = _share(
        0.0, "families with one e-mail address that are added as contacts, of all contacts"
    )
    website: float = _share(0.75, "companies with a website, of all companies")
    group_domain: float = _share(0.05, "companies that share a group's domain, of all companies")
    without_contact: float = _share(0.30, "companies with no contact, of all companies")
    same_name: float = _share(
        0.01, "companies that bear the name of some other company, of all companies"
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        for share in fields(self):
            value = getattr(self, share.name)
            if not 0 <= value <= 1:
                message = f"share {share.name.replace('_', '-')} is {value}: use 0 to 1"
                raise ValueError(message)
        employed = 1 - self.private
        for name, total, limit in (
            ("corporate-email and free-email", self.corporate_email + self.free_email, 1.0),
            ("private and missing-company", self.private + self.missing_company, 1.0),
            ("website and group-domain", self.group_domain, max(self.website, 1e-9)),
            ("organisation", self.organisation, employed),
            ("corporate-email", self.corporate_email, employed),
            ("vat", self.vat, employed),
        ):
            if total > limit + 1e-9:
                message = f"share {name}: {total:g} together, at most {limit:g} is possible"
                raise ValueError(message)


class ShareOption(NamedTuple):
    """A share as the command line offers it."""

    name: str
    default: float
    help: str


def share_options() -> list[ShareOption]:
    """Return every share with its default and meaning."""
    return [
        ShareOption(share.name, float(share.default), str(share.metadata["help"]))  # type: ignore[arg-type]
        for share in fields(Shares)
    ]
