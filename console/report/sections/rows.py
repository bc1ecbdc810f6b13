"""The rows behind the figures: some that each figure counts, and a query for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING, Any

from console.published import quote
from console.report.moments import moment
from console.report.sections.changes import HISTORY
from console.report.sections.coverage import KIND_IS, SIGNALS, lack_is
from console.texts import N_

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from console.published import Published, Row
    from console.report.sections.changes import Changes
    from console.report.sections.companies import Companies, Deals
    from console.report.sections.coverage import Coverage, Links
    from console.report.sections.freshness import Freshness

MOST, FEW = 20, 5
"""How many rows of a figure that many look at are listed, and of the others."""

#: The columns of each list: what they are headed by, and what stands in them.
_CONTACT = ((N_("Contact"), "contact"), (N_("Organisation"), "organisation"), (N_("City"), "city"))
SHAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "contacts": _CONTACT,
    "links": (*_CONTACT, (N_("Company"), "company"), (N_("Confidence"), "confidence")),
    "persons": (*_CONTACT, (N_("Person in Kizen"), "person"), (N_("Confidence"), "confidence")),
    "companies": ((N_("Company"), "company"), (N_("Contacts"), "contact_count")),
    "changes": (
        (N_("Changed"), "seen_at"), (N_("Contact"), "contact"), (N_("Before"), "previous_company"),
        (N_("Now"), "company"),
    ),
    "decisions": (
        (N_("Decided"), "seen_at"), (N_("Contact"), "contact"), (N_("Decision"), "decision"),
        (N_("Company"), "company"), (N_("By"), "author"), (N_("Effect"), "effect"),
    ),
    "judged": (
        (N_("Contact"), "contact"), (N_("Rests on"), "tier"), (N_("The rules say"), "company"),
        (N_("The judge says"), "judged"),
    ),
    "deals": (
        (N_("Deal"), "deal"), (N_("Company"), "company"), (N_("Stage"), "stage"),
        (N_("Amount"), "amount"),
    ),
    "runs": (
        (N_("Began"), "seen_at"), (N_("Source"), "source"), (N_("Table"), "stream"),
        (N_("Rows read"), "rows_loaded"), (N_("Rows"), "rows_in_table"),
    ),
    "queries": ((N_("What"), "label"), (N_("All of its rows, in the published copy"), "query")),
}  # fmt: skip

#: What is asked for each list.
_FIELDS = {
    "contacts": "contact_id",
    "links": "contact_id, company_id, cast(confidence as double) as confidence",
    "persons": "contact_id, kizen_contact_id, cast(confidence as double) as confidence",
    "companies": "company_id, contact_count",
    "changes": "contact_id, previous_company_id, company_id, epoch_us(changed_at) as seen_at",
    "decisions": (
        "contact_id, company_id, decision, author, effect, epoch_us(decided_at) as seen_at"
    ),
    "judged": "contact_id, tier, company_id, answer, judged_company_id",
    "deals": (
        "deal_id, deal_name, company_id, stage_name as stage, amount, coalesce(currency, '?') as"
        " currency"
    ),
    "runs": "epoch_us(started_at) as seen_at, source, stream, rows_loaded, rows_in_table",
}

_LINKS = "marts.contact_company_links"
_CHANGES = "marts.link_changes"
_OVERRIDES = "marts.link_override_report"


@dataclass(frozen=True)
class Rows:
    """What one figure counts."""

    title: str
    """A text, which may have a place for `what`."""
    vocabulary: str
    what: Any
    shape: str
    """One of `SHAPES`."""
    rows: list[Row]
    """The first of them."""
    total: int
    query: str
    """The query that finds all of them in the published copy."""
    section: str
    """Where the figure stands."""


class _Lists:
    """The lists that are made, and the names of what stands in them."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self.section = ""
        self.made: dict[str, Rows] = {}

    def add(  # noqa: PLR0913 - each of them is a part of a list
        self,
        name: str,
        shape: str,
        title: str,
        query: str,
        *,
        needs: Iterable[str],
        order: str,
        length: int = MOST,
        what: tuple[str, Any] = ("", ""),
    ) -> None:
        """Add a list of what a query finds, where its tables are there and it finds something."""
        if not self._published.has(*needs):
            return
        text = " ".join(query.split())
        found = self._published.rows(
            f"select {_FIELDS[shape]} from ({query}) order by {order} limit {length}"
        )
        if not found:
            return
        total = len(found)
        if total == length:
            total = self._published.row(f"select count(*) as n from ({query})")["n"]
        self.made[name] = Rows(title, *what, shape, found, total, text, self.section)

    def queries(self, name: str, title: str, queries: list[Row]) -> None:
        """Add a list of what is found by a query each: a `label`, and the `query`."""
        if queries:
            self.made[name] = Rows(
                title, "", "", "queries", queries, len(queries), "", self.section
            )

    def name(self) -> None:
        """Give each row the names of its contact and its companies."""
        rows = [row for each in self.made.values() for row in each.rows]
        contacts = self._names(
            "marts.contacts",
            "contact_id",
            "coalesce(full_name, nullif(trim(concat_ws(' ', first_name, last_name)), ''),"
            " organisation) as name, organisation, city",
            {row.get("contact_id") for row in rows},
        )
        companies = self._names(
            "marts.companies",
            "company_id",
            "company_name as name",
            {
                row.get(each)
                for row in rows
                for each in ("company_id", "previous_company_id", "judged_company_id")
            },
        )
        for row in rows:
            contact = contacts.get(row.get("contact_id"), {})
            row["contact_name"] = contact.get("name")
            row["organisation"] = contact.get("organisation")
            row["city"] = contact.get("city")
            for each in ("company", "previous_company", "judged_company"):
                row[f"{each}_name"] = companies.get(row.get(f"{each}_id"), {}).get("name")
            if isinstance(row.get("seen_at"), int):
                row["seen_at"] = moment(row["seen_at"])

    def _names(
        self, table: str, key: str, values: str, ids: set[str | None]
    ) -> dict[str | None, Row]:
        wanted = sorted(each for each in ids if each is not None)
        if not wanted or not self._published.has(table):
            return {}
        rows = self._published.rows(
            f"select cast({key} as varchar) as id, {values} from {table}"
            f" where cast({key} as varchar) in (select unnest(cast(? as varchar[])))",
            [wanted],
        )
        return {row["id"]: row for row in rows}


def text_of(value: object) -> str:
    """Return a value as SQL has it between quotes."""
    return "'" + str(value).replace("'", "''").replace("\0", "' || chr(0) || '") + "'"


def read(published: Published, found: Mapping[str, Any], *, names: bool) -> dict[str, Rows]:
    """Read the rows of each figure of the sections, by the name that the figure leads to.

    Args:
        published: The published copy.
        found: What the sections have read of it.
        names: Whether what records say may be shown, and so stand in a query.
    """
    lists = _Lists(published)
    _tables(lists, published, found["freshness"])
    coverage: Coverage | None = found["coverage"]
    if coverage is not None:
        _links(lists, coverage, names=names)
    _changes(lists, found["changes"])
    _decisions(lists)
    _companies(lists, found["companies"], found["deals"])
    _runs(lists)
    lists.name()
    return lists.made


def _tables(lists: _Lists, published: Published, freshness: Freshness) -> None:
    lists.section = "fresh"
    lists.add(
        "contacts", "contacts", N_("Contacts"), "select * from marts.contacts",
        needs=["marts.contacts"], order="contact_id",
    )  # fmt: skip
    lists.queries(
        "tables",
        N_("The tables, as they were read"),
        [
            {"label": f"{source.schema}.{table.name}",
             "query": _raw(published, source.schema, table.name)}
            for source in freshness.sources
            for table in source.tables
        ],
    )  # fmt: skip


def _raw(published: Published, schema: str, table: str) -> str:
    is_marked = "_sdc_deleted_at" in published.columns[f"{schema}.{table}"]
    there = " where _sdc_deleted_at is null" if is_marked else ""
    return f"select * from {schema}.{quote(table)}{there}"


def _links(lists: _Lists, coverage: Coverage, *, names: bool) -> None:
    lists.section = "links"
    _kinds(lists, coverage.companies, "links", _LINKS, "links")
    if coverage.persons is not None:
        _kinds(lists, coverage.persons, "persons", "marts.contact_person_links", "persons")
    for number, row in enumerate(coverage.companies.tiers, 1):
        tier = "is null" if row["tier"] is None else f"= {text_of(row['tier'])}"
        lists.add(
            f"tier-{number}", "links", N_("Sure links that rest on: %(what)s"),
            f"select * from {_LINKS} where status = 'auto' and tier {tier}",
            needs=[_LINKS], order="confidence, contact_id", length=FEW,
            what=("tier", row["tier"]),
        )  # fmt: skip
    for number, lack in enumerate(coverage.lacks, 1):
        if lack not in coverage.lacking:
            lists.add(
                f"lack-{number}", "contacts", N_("Contacts without a company: %(what)s"),
                f"select * from {_LINKS} where {lack_is(lack)}",
                needs=[_LINKS], order="contact_id", what=("lack", lack),
            )  # fmt: skip
    for number, row in enumerate(coverage.signals, 1):
        if row["signal"] not in SIGNALS:
            continue
        for side, sides, title in (
            ("contact", "contacts", N_("Contacts by what they have: %(what)s")),
            ("company", "companies", N_("Companies by what they have: %(what)s")),
        ):
            tables = [f"intermediate.int_{sides}__{each}" for each in
                      ("match_keys", "domains", "phones")]  # fmt: skip
            condition = SIGNALS[row["signal"]]
            for word, table in (("has_domain", tables[1]), ("has_phone", tables[2])):
                condition = condition.replace(word, f"{side}_id in (select {side}_id from {table})")
            keys = f"select {side}_id from {tables[0]} where {condition}"
            lists.add(
                f"signal-{number}-{sides}", "contacts" if side == "contact" else "companies", title,
                keys if side == "contact" else
                f"select * from marts.companies where company_id in ({keys})",
                needs=[*tables, "marts.companies"], order=f"{side}_id", length=FEW,
                what=("signal", row["signal"]),
            )  # fmt: skip
    for number, row in enumerate(coverage.unknown if names else (), 1):
        name = text_of(row["organisation"])
        lists.add(
            f"unknown-{number}", "contacts", N_("Contacts that name: %(what)s"),
            "select * from marts.contacts where link_status = 'none'"
            f" and lower(trim(organisation)) = lower(trim({name}))",
            needs=["marts.contacts"], order="contact_id", length=FEW,
            what=("record", row["organisation"]),
        )  # fmt: skip


def _kinds(lists: _Lists, links: Links, name: str, table: str, shape: str) -> None:
    titles = {
        "links": N_("Has a company? %(what)s"),
        "persons": N_("Is a person of the CRM? %(what)s"),
    }
    for number, kind in enumerate(links.counts, 1):
        lists.add(
            f"{name}-{number}", shape, titles[name],
            f"select * from {table} where {KIND_IS[kind]}",
            needs=[table], order="confidence nulls last, contact_id", what=("kind", kind),
        )  # fmt: skip


def _changes(lists: _Lists, changes: Changes | None) -> None:
    if changes is None:
        return
    lists.section = "changes"
    for number, change in enumerate(changes.counts, 1):
        lists.add(
            f"change-{number}", "changes", N_("Changed by the last run: %(what)s"),
            f"select * from {_CHANGES} where in_last_build and change = {text_of(change)}",
            needs=[_CHANGES], order="contact_id", length=MOST // 2,
            what=("change", (change, changes.counts[change])),
        )  # fmt: skip
    lists.queries(
        "history",
        N_("How the links stood"),
        [{"label": point.at, "query": _stood(point.at)} for point in reversed(changes.points)],
    )


def _stood(at: datetime) -> str:
    moment_of = at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    return (
        f"select * from {HISTORY} where dbt_valid_from <= '{moment_of}'"
        f" and (dbt_valid_to is null or dbt_valid_to > '{moment_of}')"
    )


def _runs(lists: _Lists) -> None:
    lists.section = "run"
    lists.add(
        "runs", "runs", N_("What each run read"),
        """select streams.*, runs.started_at
from marts.run_streams as streams
inner join (select run_id, min(started_at) as started_at from marts.run_steps group by run_id)
    as runs using (run_id)""",
        needs=["marts.run_streams", "marts.run_steps"], order="seen_at desc, source, stream",
        length=2 * MOST,
    )  # fmt: skip


def _decisions(lists: _Lists) -> None:
    lists.section = "right"
    rules = "intermediate.int_links__decided"
    lists.add(
        "judged-links", "decisions", N_("Decided about links that were made without asking"),
        f"""select overrides.*
from {_OVERRIDES} as overrides
inner join {rules} as rules on overrides.contact_id = rules.contact_id
where overrides.effect = 'in force' and rules.status = 'auto'
    and (overrides.decision = 'force' or overrides.company_id = rules.company_id)""",
        needs=[_OVERRIDES, rules], order="decision = 'force', seen_at desc nulls last, contact_id",
    )  # fmt: skip
    for name, title, effect in (
        ("decisions", N_("Decisions in force"), "= 'in force'"),
        ("unused", N_("Decisions without effect"), "<> 'in force'"),
    ):
        lists.add(
            name, "decisions", title, f"select * from {_OVERRIDES} where effect {effect}",
            needs=[_OVERRIDES], order="seen_at desc nulls last, contact_id",
        )  # fmt: skip
    sample = "intermediate.int_samples__judged"
    lists.add(
        "sample", "judged", N_("The sample: what was judged, what the rules have wrong first"),
        f"select * from {sample}",
        needs=[sample],
        order="answer is null, answer = 'unsure',"
        " coalesce(judged_company_id, '') = coalesce(company_id, ''), contact_id",
    )  # fmt: skip


def _companies(lists: _Lists, companies: Companies | None, deals: Deals | None) -> None:
    if companies is not None:
        lists.section = "companies"
        for number, row in enumerate(companies.first, 1):
            lists.add(
                f"company-{number}", "links", N_("Contacts of %(what)s"),
                f"select * from {_LINKS} where status in ('auto', 'forced')"
                f" and company_id = {text_of(row['company_id'])}",
                needs=[_LINKS], order="contact_id", length=FEW,
                what=("company", (row["company_name"], row["company_id"])),
            )  # fmt: skip
        table = "marts.companies"
        lists.add(
            "companies", "companies", N_("Companies"), f"select * from {table}",
            needs=[table], order="contact_count desc, company_id",
        )  # fmt: skip
        lists.add(
            "companies-rest", "companies", N_("The companies after those"),
            f"select * from {table} where contact_count > 0"
            f" order by contact_count desc, company_name, company_id offset {len(companies.first)}",
            needs=[table], order="contact_count desc, company_id",
        )  # fmt: skip
        lists.add(
            "companies-without", "companies", N_("Companies without a contact"),
            f"select * from {table} where coalesce(contact_count, 0) = 0",
            needs=[table], order="company_id",
        )  # fmt: skip
    if deals is not None:
        lists.section = "deals"
        table = "marts.deals"
        lists.add(
            "deals", "deals", N_("Deals"), f"select * from {table}",
            needs=[table], order="is_open desc, amount desc nulls last, deal_id",
        )  # fmt: skip
        lists.add(
            "deals-open", "deals", N_("Open deals"), f"select * from {table} where is_open",
            needs=[table], order="amount desc nulls last, deal_id",
        )  # fmt: skip
        for number, row in enumerate(deals.stages, 1):
            pipeline, stage = (
                "is null" if value is None else f"= {text_of(value)}"
                for value in (row["pipeline"], row["stage"])
            )
            lists.add(
                f"stage-{number}", "deals", N_("Open deals in the stage: %(what)s"),
                f"select * from {table} where is_open and stage_name {stage}"
                f" and coalesce(pipeline_label, pipeline_name) {pipeline}",
                needs=[table], order="amount desc nulls last, deal_id", length=FEW,
                what=("plain", row["stage"]),
            )  # fmt: skip
