"""How many contacts have a company and a person, how sure that is, and what the others lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.published import Published, Row

#: What a contact's link is, the surest first.
KINDS = ("decided", "sure", "to decide", "nothing to go by", "none found", "ruled out")

#: What the reasons of a contact without a company begin with; `contact_company_links.reasons`.
NOTHING = "nothing to link by"
_LACKS = (NOTHING, "no company shares a key", "no company agrees", "two companies agree")

#: What a link is, as conditions of SQL.
KIND_IS = {
    "decided": "status = 'forced'",
    "sure": "status = 'auto'",
    "to decide": "status = 'review'",
    "nothing to go by": f"status = 'none' and reasons like '{NOTHING}%'",
    "none found": f"status = 'none' and coalesce(reasons not like '{NOTHING}%', true)",
    "ruled out": "status = 'forbidden'",
}

#: What a link can be made by, as the model `linkability` tells it of the keys of either side.
SIGNALS = {
    "organisation name": "core_number is not null",
    "own domain": "has_domain",
    "phone": "has_phone",
    "VAT number": "vat_number is not null",
    "street": "street_name is not null",
    "city or postal code": "city is not null or postal_code is not null",
    "name, own domain, phone or VAT number": (
        "core_number is not null or has_domain or has_phone or vat_number is not null"
    ),
    "none of these": (
        "core_number is null and not has_domain and not has_phone and vat_number is null"
    ),
}

_LACK = (
    "case "
    + " ".join(f"when reasons like '{each}%' then '{each}'" for each in _LACKS)
    + " else 'nearest' end"
)


def lack_is(lack: str) -> str:
    """Return the condition of SQL by which a contact without a company lacks something."""
    return f"status = 'none' and {_LACK} = '{lack}'"


#: How many contacts are listed of each lack.
LISTED = 50

_KIND = f"""
    case
        when status = 'forced' then 'decided'
        when status = 'auto' then 'sure'
        when status = 'review' then 'to decide'
        when status = 'forbidden' then 'ruled out'
        when reasons like '{NOTHING}%' then 'nothing to go by'
        else 'none found'
    end
"""


@dataclass(frozen=True)
class Links:
    """Contacts by what their link is."""

    contacts: int
    counts: dict[str, int]
    """Contacts of each of `KINDS`."""
    expected: float
    """How many of the sure links are right by the measured confidence of each; 0 where none is."""
    tiers: list[Row]
    """What the sure links rest on: `tier`, `contacts`, `confidence`."""

    @property
    def linked(self) -> int:
        """Contacts with a company or a person."""
        return self.counts["decided"] + self.counts["sure"]

    @property
    def share(self) -> float:
        """The share of contacts that are linked, from 0 to 1."""
        return self.linked / self.contacts if self.contacts else 0.0


@dataclass(frozen=True)
class Coverage:
    """Links to companies and to persons, and what the rest lacks."""

    companies: Links
    company_count: int | None
    persons: Links | None
    """None where the tables are not there."""
    person_count: int
    lacks: dict[str, int]
    """Contacts without a company by what their reasons begin with; `nearest` for the others."""
    lacking: dict[str, list[Row]]
    """The first contacts of each lack: `contact_id`, `full_name`, `organisation`, `city`."""
    signals: list[Row]
    """Rows of `marts.linkability`."""
    unknown: list[Row]
    """Organisations that contacts without a company name: `organisation`, `contacts`."""


def read(published: Published) -> Coverage | None:
    """Read the links; None where they were never made."""
    if not published.has("marts.contact_company_links"):
        return None
    return Coverage(
        companies=_links(published, "contact_company_links"),
        company_count=_count(published, "marts.companies"),
        persons=_links(published, "contact_person_links")
        if published.has("marts.contact_person_links")
        else None,
        person_count=_count(published, "staging.stg_kizen__contacts") or 0,
        lacks=_lacks(published),
        lacking=_lacking(published),
        signals=published.rows("select * from marts.linkability order by place")
        if published.has("marts.linkability")
        else [],
        unknown=_unknown(published),
    )


def _count(published: Published, table: str) -> int | None:
    if not published.has(table):
        return None
    return int(published.row(f"select count(*) as n from {table}")["n"])  # noqa: S608 - one of ours


def _links(published: Published, table: str) -> Links:
    rows = published.rows(f"""
        select {_KIND} as kind, count(*) as contacts, coalesce(sum(confidence), 0) as confidence
        from marts.{table} group by kind
    """)  # noqa: S608 - one of ours
    counts = dict.fromkeys(KINDS, 0) | {row["kind"]: row["contacts"] for row in rows}
    tiers = published.rows(f"""
        select tier, count(*) as contacts, avg(confidence) as confidence
        from marts.{table} where status = 'auto'
        group by tier order by contacts desc, tier
    """)  # noqa: S608 - one of ours
    expected = sum(float(row["confidence"]) for row in rows if row["kind"] == "sure")
    return Links(sum(counts.values()), counts, expected, tiers)


def _lacks(published: Published) -> dict[str, int]:
    rows = published.rows(f"""
        select {_LACK} as lack, count(*) as contacts
        from marts.contact_company_links where status = 'none' group by lack
    """)  # noqa: S608 - one of ours
    counts = {row["lack"]: row["contacts"] for row in rows}
    return {lack: counts[lack] for lack in (*_LACKS, "nearest") if lack in counts}


def _lacking(published: Published) -> dict[str, list[Row]]:
    if not published.has("marts.contacts"):
        return {}
    rows = published.rows(f"""
        with lacking as (
            select contact_id, {_LACK} as lack
            from marts.contact_company_links where status = 'none'
            qualify row_number() over (partition by lack order by contact_id) <= {LISTED}
        )
        select lack, contact_id, full_name, organisation, city
        from lacking inner join marts.contacts using (contact_id)
        order by full_name, contact_id
    """)  # noqa: S608 - one of ours
    lacking: dict[str, list[Row]] = {}
    for row in rows:
        lacking.setdefault(row["lack"], []).append(row)
    return lacking


def _unknown(published: Published) -> list[Row]:
    if not published.has("marts.contacts"):
        return []
    return published.rows("""
        select min(organisation) as organisation, count(*) as contacts
        from marts.contacts
        where link_status = 'none' and trim(organisation) <> ''
        group by lower(trim(organisation))
        having count(*) > 1
        order by contacts desc, organisation
        limit 10
    """)
