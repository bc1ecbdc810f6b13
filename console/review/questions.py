"""What the page asks: queues, records and candidates, from the published copy."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from console.published import listed_domains
from console.review.compare import Line, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from console.audit.sample import Drawn
    from console.decisions.decision import Kind
    from console.decisions.standing import Pair, Standing
    from console.published import Published, Row

CANDIDATES = 10
"""The proposal, and one for each of the keys 1 to 9."""

FOUND = 50
"""How many records a search shows."""


@dataclass(frozen=True)
class Side:
    """What one kind of link leads to: its tables, and how its records are compared."""

    kind: Kind
    id: str
    links: str
    queue: str
    """A contact, its proposal, and its places in either order."""
    needs: tuple[str, ...]
    records: str
    names: str
    scored: str
    levels: str


CONTACT = """
select contact_id,
    coalesce(full_name, nullif(trim(concat_ws(' ', first_name, last_name)), '')) as name,
    organisation, email, concat_ws(', ', phone, mobile) as phone, street, postal_code, city,
    country, vat_number, website, cast(birth_date as varchar) as birth_date, first_name, last_name,
    contact_type
from staging.stg_kananas__contacts
"""

_CONTACTS_BY_ID = CONTACT.replace("select contact_id,", "select contact_id as id,")

#: The orders of the queue of companies: by what a decision is worth, and by what it teaches; and
#: where their ranks stand in a row of `Side.queue`.
WORTH, TEACHING = "worth", "teaching"
ORDERS = {WORTH: 2, TEACHING: 3}

COMPANIES = Side(
    kind="company_link",
    id="company_id",
    links="marts.contact_company_links",
    queue="""
select contact_id, company_id, review_rank, teaching_rank from marts.link_review_queue
""",
    needs=("marts.link_review_queue", "intermediate.int_links__levels"),
    records="""
select company_id as id, company_name as name, email,
    concat_ws(', ', business_phone, mobile_phone) as phone, street, postal_code, city, country,
    vat_number, website, cast(domains as varchar) as domains
from staging.stg_kizen__companies
""",
    names="select company_id as id, company_name as name, city from staging.stg_kizen__companies",
    scored="""
select pairs.*, names.* exclude (contact_core, company_core, name_level, name_score)
from intermediate.int_links__scored as pairs
left join intermediate.int_links__name_scores as names using (contact_core, company_core)
""",
    levels="intermediate.int_links__levels",
)

PERSONS = Side(
    kind="person_link",
    id="kizen_contact_id",
    links="marts.contact_person_links",
    queue="""
select contact_id, kizen_contact_id, row_number() over (order by confidence desc, contact_id),
    null
from marts.contact_person_links where status = 'review'
""",
    needs=("marts.contact_person_links", "staging.stg_kizen__contacts"),
    records="""
select kizen_contact_id as id,
    coalesce(full_name, nullif(trim(concat_ws(' ', first_name, last_name)), '')) as name,
    company_name as organisation, email,
    concat_ws(', ', mobile_phone, home_phone, business_phone) as phone, street, postal_code, city,
    country, cast(birth_date as varchar) as birth_date, first_name, last_name
from staging.stg_kizen__contacts
""",
    names="""
select kizen_contact_id as id,
    coalesce(full_name, nullif(trim(concat_ws(' ', first_name, last_name)), '')) as name, city
from staging.stg_kizen__contacts
""",
    # Pairs within one system stand there as well.
    scored="""
select pairs.*
from (from intermediate.int_persons__scored where not is_duplicate) as pairs
""",
    levels="seeds.person_levels",
)

SIDES = {"companies": COMPANIES, "persons": PERSONS}

_FIELDS = (
    "name", "website", "email", "domains", "phone", "street", "postal_code", "city", "country",
    "vat_number", "first_name", "last_name", "birth_date", "organisation",
)  # fmt: skip

#: Leaves those whose ids are in a list.
_OF_THESE = "inner join (select unnest(cast(? as varchar[])) as id) as asked using (id)"

DUPLICATES = "marts.possible_duplicates"

#: The records of each kind of them, by their id.
_OF_PAIRS = {
    "kananas_contact": _CONTACTS_BY_ID,
    "kizen_contact": PERSONS.records,
    "company": COMPANIES.records,
}

#: Those that are decided here.
PAIRED = "kind in ('kananas_contact', 'kizen_contact', 'company')"


def pair_key(kind: str, left: str, right: str) -> str:
    """Return the key of a possible duplicate: no sign of an id parts what it is made of."""
    return " ".join(quote(each, safe="") for each in (kind, left, right))


def pair_of(key: str) -> list[str]:
    """Return the kind and the two ids of a possible duplicate; of no key, empty ones."""
    parts = [unquote(each) for each in key.split(" ")]
    return parts if len(parts) == 3 else [""] * 3  # noqa: PLR2004 - a kind and two ids


def folded_table(query: str) -> tuple[str, str, str]:
    """Return where records are searched: lower case without accents, made once for each copy.

    Args:
        query: `CONTACT`, or the names of a side.

    Returns:
        The table, with `id`, `name` and `text`, in the order of the names; the name of the id in
        the query; the statement that makes the table.
    """
    names = {CONTACT: "contacts", COMPANIES.names: "companies", PERSONS.names: "persons"}
    table = f"temp.folded_{names[query]}"
    is_contact = query == CONTACT
    id_ = "contact_id" if is_contact else "id"
    fields = ["name", *(["organisation", "email"] if is_contact else []), "city", id_]
    # To look for accents is slow. What is as long in bytes as in characters is ASCII.
    folded = ", ".join(
        f"case when strlen({each}) = length({each}) then lower({each})"
        f" else strip_accents(lower({each})) end"
        for each in fields
    )
    make = f"""create temp table if not exists {table.removeprefix("temp.")} as
select {id_} as id, lower(name) as name, concat_ws(' ', {folded}) as text
from ({query}) order by 2, 1"""
    return table, id_, make


def listed_table(tab: str) -> tuple[str, str]:
    """Return where the links of a tab are looked through: each with the words of both its sides.

    Returns:
        The table, with `id` of the contact, `status`, `tier` and `text`, in the order of the names
        of contacts; the statements that make it.
    """
    side = SIDES[tab]
    contacts, _, make_contacts = folded_table(CONTACT)
    others, _, make_others = folded_table(side.names)
    table = f"temp.listed_{tab}"
    make = f"""create temp table if not exists {table.removeprefix("temp.")} as
select contacts.id, links.status, links.tier, concat_ws(' ', contacts.text, others.text) as text
from {side.links} as links
inner join {contacts} as contacts on links.contact_id = contacts.id
left join {others} as others on links.{side.id} = others.id
order by contacts.rowid"""
    return table, f"{make_contacts};\n{make_others};\n{make}"


@dataclass(frozen=True)
class Step:
    """A feature of a pair: how it agrees, its points, and the sum before and after it."""

    feature: str
    wording: str
    weight: int
    start: int
    end: int


@dataclass(frozen=True)
class Candidate:
    """What a contact may be linked with."""

    id: str
    name: str | None
    city: str | None
    score: int | None


@dataclass
class Question:
    """A contact with the link that it has, what else it may belong to, and why."""

    contact: Row
    proposal: Candidate | None
    others: list[Candidate]
    lines: list[Line]
    steps: list[Step]


@dataclass(frozen=True)
class Beside:
    """Two records side by side, by their ids and names."""

    left_id: str
    left_name: str | None
    right_id: str
    right_name: str | None
    lines: list[Line]


@dataclass(frozen=True)
class Blind:
    """A contact of a sample beside companies, in an order that says nothing."""

    contact: Row
    companies: list[tuple[Candidate, list[Line]]]
    #: The fields that the contact or one of the companies has.
    fields: list[str]


@dataclass(frozen=True)
class Twins(Beside):
    """Two records that may be one."""

    key: str
    kind: Kind
    confidence: float | None
    reasons: str | None
    fuller_id: str | None


@dataclass
class _Loaded:
    """What is kept of one copy: the order of each queue, and the levels of each side."""

    version: tuple[int, int, int] | None = None
    #: The rows of `Side.queue`, and the same in each order that was asked for.
    queued: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    queues: dict[tuple[str, str], list[tuple[Any, ...]]] = field(default_factory=dict)
    levels: dict[str, dict[tuple[str, str], tuple[int, str]]] = field(default_factory=dict)
    #: Possible duplicates by their keys, the surest first: of which kind, and which two.
    duplicates: dict[str, tuple[Kind, Pair]] = field(default_factory=dict)
    #: What waits in each queue, by what stood of the decisions when it was looked up.
    waiting: dict[tuple[str, str], tuple[Standing, list[str]]] = field(default_factory=dict)


class Questions:
    """The questions of a published copy."""

    def __init__(self, published: Published) -> None:
        """Take the copy; nothing is read yet."""
        self.published = published
        self._loaded = _Loaded()
        self._prepared: tuple[int, int, int] | None = None
        self._lock = threading.Lock()

    def _now(self) -> _Loaded:
        """Return what is kept, read anew where the copy is another."""
        with self._lock:
            version = self.published.version()
            if version != self._loaded.version:
                self._loaded = self._load(version)
            return self._loaded

    def _load(self, version: tuple[int, int, int]) -> _Loaded:
        loaded = _Loaded(version)
        for name, side in SIDES.items():
            if not self.has(name):
                continue
            # Asked once, as tuples, and put in order where an order is asked for: a new copy is
            # seen by the next page.
            _, loaded.queued[name] = self.published.table(side.queue)
            loaded.levels[name] = {
                (row["feature"], row["level"]): (row["weight"], row["wording"] or "")
                for row in self.published.rows(
                    f"select feature, level, weight, wording from {side.levels}"
                )
            }
        if self.published.has(DUPLICATES):
            _, pairs = self.published.table(
                f"select kind, left_id, right_id from {DUPLICATES}"
                f" where {PAIRED} order by confidence desc, kind, left_id, right_id"
            )
            loaded.duplicates = {
                pair_key(kind, left, right): (
                    f"{kind}_duplicate",  # type: ignore[misc] # `PAIRED` leaves no other
                    (min(left, right), max(left, right)),
                )
                for kind, left, right in pairs
            }
        return loaded

    def has(self, tab: str) -> bool:
        """Return whether the copy has what a tab shows."""
        if tab == "duplicates":
            return self.published.has(DUPLICATES)
        return all(self.published.has(table) for table in SIDES[tab].needs)

    def total(self, tab: str) -> int:
        """Return how many questions a queue had when the copy was made."""
        loaded = self._now()
        return len(loaded.duplicates if tab == "duplicates" else loaded.queued.get(tab, ()))

    def open(self, tab: str, standing: Standing, order: str = WORTH) -> list[str]:
        """Return what nobody has decided about, by its keys, what was put off last.

        Of links the keys are those of the contacts, of duplicates those of `pair_key`.
        """
        loaded = self._now()
        known = loaded.waiting.get((tab, order))
        if known is None or known[0] is not standing:
            if tab == "duplicates":
                waiting = _waiting_pairs(loaded.duplicates, standing)
            else:
                waiting = _waiting(SIDES[tab].kind, _in_order(loaded, tab, order), standing)
            known = standing, waiting
            loaded.waiting[tab, order] = known
        return known[1]

    def duplicates(self) -> dict[str, tuple[Kind, Pair]]:
        """Return the possible duplicates by their keys: of which kind they are, and which two."""
        return self._now().duplicates

    def question(self, tab: str, contact_id: str, standing: Standing) -> Question | None:
        """Return all that is shown of one contact, or None where there is no such contact."""
        side = SIDES[tab]
        contacts = self.published.rows(
            f"select contacts.*, links.{side.id} as linked_id, links.confidence, links.reasons"
            f" from ({CONTACT} where contact_id = ?) as contacts"
            f" inner join {side.links} as links on contacts.contact_id = links.contact_id"
            " where links.contact_id = ?",
            [contact_id, contact_id],
        )
        if not contacts:
            return None
        (contact,) = contacts
        scored = self.published.rows(
            f"{side.scored} where pairs.contact_id = ? order by pairs.score desc, pairs.{side.id}"
            f" limit {2 * CANDIDATES}",
            [contact_id],
        )
        points = {row[side.id]: row for row in scored}
        known = standing.forced.get((side.kind, contact_id))
        proposed = (getattr(known, side.id) if known else None) or contact["linked_id"]
        ids = [
            each
            for each in dict.fromkeys([proposed, *points])
            if each is not None
            and (
                each == proposed
                or (decided := standing.pairs.get((side.kind, (contact_id, each)))) is None
                or decided.decision != "forbid"
            )
        ][:CANDIDATES]
        records = self._records(side.records, ids)
        candidates = [
            Candidate(
                each,
                records[each]["name"],
                records[each]["city"],
                points[each]["score"] if each in points else None,
            )
            for each in ids
            if each in records
        ]
        proposal = next((each for each in candidates if each.id == proposed), None)
        compare = _company_lines if tab == "companies" else _person_lines
        beside = records[proposal.id] if proposal else dict.fromkeys(_FIELDS)
        return Question(
            contact=contact,
            proposal=proposal,
            others=[each for each in candidates if each is not proposal][: CANDIDATES - 1],
            lines=compare(contact, beside),
            steps=_steps(points[proposal.id], self._now().levels.get(tab, {}))
            if proposal and proposal.id in points
            else [],
        )

    def blind(self, drawn: Drawn) -> Blind | None:
        """Return a contact of the sample, or None where it is no more there.

        What people decided about it is not looked at either: who judges should not know.
        """
        contacts = self.published.rows(f"{CONTACT} where contact_id = ?", [drawn.contact_id])
        if not contacts:
            return None
        (contact,) = contacts
        scored = self.published.rows(
            f"select company_id from ({COMPANIES.scored}) where contact_id = ?"
            f" order by score desc, company_id limit {CANDIDATES - 1}",
            [drawn.contact_id],
        )
        found = [row["company_id"] for row in scored]
        if drawn.company_id is not None and drawn.company_id not in found:
            found = [*found[: CANDIDATES - 2], drawn.company_id]
        by_lot = sorted(
            found,
            key=lambda each: sha256(f"{drawn.seed}\n{drawn.contact_id}\n{each}".encode()).digest(),
        )
        records = self._records(COMPANIES.records, by_lot)
        companies = [
            (
                Candidate(each, records[each]["name"], records[each]["city"], None),
                _company_lines(contact, records[each]),
            )
            for each in by_lot
            if each in records
        ]
        every = [line for _, lines in companies for line in lines] or _company_lines(
            contact, dict.fromkeys(_FIELDS)
        )
        told = {line.field for line in every if line.left or line.right}
        return Blind(
            contact, companies, [each for each in dict.fromkeys(line.field for line in every)
                                 if each in told],
        )  # fmt: skip

    def _records(self, records: str, ids: list[str]) -> dict[str, Row]:
        """Return the records of some ids, by their id."""
        if not ids:
            return {}
        rows = self.published.rows(
            f"select records.* from ({records}) as records {_OF_THESE}",
            [list(dict.fromkeys(ids))],
        )
        return {row["id"]: row for row in rows}

    def compared(self, tab: str, pairs: Mapping[str, str]) -> list[Beside]:
        """Return contacts beside what is proposed for them, in the order of `pairs`.

        Args:
            tab: Of the page.
            pairs: The id of what is proposed, by that of the contact.
        """
        side = SIDES[tab]
        contacts = self._records(_CONTACTS_BY_ID, list(pairs))
        others = self._records(side.records, list(pairs.values()))
        compare = _company_lines if tab == "companies" else _person_lines
        return [
            Beside(
                key, contacts[key]["name"], other, others[other]["name"],
                compare(contacts[key], others[other]),
            )
            for key, other in pairs.items()
            if key in contacts and other in others
        ]  # fmt: skip

    def prepare(self) -> None:
        """Read what is kept of a copy, so that the first page and the first search need not.

        Raises:
            PublishedError: There is no copy.
        """
        version = self._now().version
        for query in (CONTACT, *(side.names for tab, side in SIDES.items() if self.has(tab))):
            self._found(query, "-")
        for tab in SIDES:
            if self.has(tab):
                table, make = listed_table(tab)
                self.published.table(f"select 1 from {table} limit 0", first=make)
        self._prepared = version

    @property
    def is_prepared(self) -> bool:
        """Whether the open copy is prepared."""
        return self._prepared == self.published.version()

    def search(self, tab: str, words: str) -> list[Candidate]:
        """Return companies or persons whose name, city or id holds all words, in any order."""
        return [
            Candidate(row["id"], row["name"], row["city"], None)
            for row in self._found(SIDES[tab].names, words)
        ]

    def search_contacts(self, words: str) -> list[Row]:
        """Return contacts in whose names, e-mail address, city or id each word is found."""
        return self._found(CONTACT, words)

    def _found(self, query: str, words: str) -> list[Row]:
        wanted = words.split()
        if not wanted:
            return []
        folded, id_, make = folded_table(query)
        tests = " and ".join("contains(text, strip_accents(lower(?)))" for _ in wanted)
        return self.published.rows(
            f"""select rows.* from ({query}) as rows
where {id_} in (select id from {folded} where {tests} order by name limit {FOUND})
order by lower(name), {id_}""",
            wanted,
            first=make,
        )

    def pair(self, key: str) -> Twins | None:
        """Return two records that may be one, side by side."""
        return next(iter(self.pairs([key])), None)

    def pairs(self, keys: Iterable[str]) -> list[Twins]:
        """Return pairs of records that may be one, in the order of their keys."""
        asked = [pair_of(key) for key in keys]
        rows = self.published.rows(
            f"""select duplicates.* from {DUPLICATES} as duplicates
inner join (
    select unnest(cast(? as varchar[])) as kind, unnest(cast(? as varchar[])) as left_id,
        unnest(cast(? as varchar[])) as right_id
) as asked using (kind, left_id, right_id)""",
            [list(each) for each in zip(*asked, strict=True)] or [[], [], []],
        )
        found = {(row["kind"], row["left_id"], row["right_id"]): row for row in rows}
        ids: dict[str, list[str]] = {}
        for row in found.values():
            ids.setdefault(row["kind"], []).extend((row["left_id"], row["right_id"]))
        records = {kind: self._records(_OF_PAIRS[kind], wanted) for kind, wanted in ids.items()}
        return [
            _twins(found[place], records[place[0]])
            for place in dict.fromkeys((kind, left, right) for kind, left, right in asked)
            if place in found
        ]

    def names(self, ids: dict[str, set[str]]) -> dict[tuple[str, str], str]:
        """Return the names of contacts, companies and persons, by what they are and their id."""
        queries = {
            "contact_id": f"select contact_id as id, name from ({CONTACT})",
            "company_id": COMPANIES.names,
            "kizen_contact_id": PERSONS.names,
        }
        found: dict[tuple[str, str], str] = {}
        for what, wanted in ids.items():
            if not wanted or (what == "kizen_contact_id" and not self.has("persons")):
                continue
            rows = self.published.rows(
                f"select id, name from ({queries[what]}) {_OF_THESE}",
                [sorted(wanted)],
            )
            found |= {(what, row["id"]): row["name"] or row["id"] for row in rows}
        return found


def _twins(pair: Row, records: Mapping[str, Row]) -> Twins:
    left, right = (dict(records.get(pair[name], {})) for name in ("left_id", "right_id"))
    left_out = {"id", "contact_type"}
    if any(side.get(name) for side in (left, right) for name in ("first_name", "last_name")):
        left_out.add("name")
    elif pair["kind"] != "company":
        # Of a company it is the organisation's.
        for side in (left, right):
            side["full_name"] = side.pop("name", None)
    fields = [name for name in {**left, **right} if name not in left_out]
    return Twins(
        key=pair_key(pair["kind"], pair["left_id"], pair["right_id"]),
        kind=f"{pair['kind']}_duplicate",  # type: ignore[arg-type] # one of three
        left_id=pair["left_id"],
        right_id=pair["right_id"],
        left_name=pair["left_name"],
        right_name=pair["right_name"],
        confidence=None if pair["confidence"] is None else float(pair["confidence"]),
        reasons=pair["reasons"],
        fuller_id=pair["fuller_id"],
        lines=[
            line(name, left.get(name), right.get(name))
            for name in fields
            if left.get(name) or right.get(name)
        ],
    )


def _in_order(loaded: _Loaded, tab: str, order: str) -> list[tuple[Any, ...]]:
    if (tab, order) not in loaded.queues:
        # Persons have one order.
        place = itemgetter(ORDERS[order if tab == "companies" else WORTH])
        loaded.queues[tab, order] = sorted(loaded.queued.get(tab, ()), key=place)
    return loaded.queues[tab, order]


def _waiting(kind: Kind, queue: Sequence[tuple[Any, ...]], standing: Standing) -> list[str]:
    """Return the contacts of a queue that are not decided, those that were put off last."""
    forced = {contact for of, contact in standing.forced if of == kind}
    forbidden = {
        pair
        for (of, pair), decision in standing.pairs.items()
        if of == kind and decision.decision == "forbid"
    }
    later = {contact for of, (contact, _) in standing.later if of == kind}
    waiting = [
        contact
        for contact, other, *_ in queue
        if contact not in forced and (contact, other) not in forbidden
    ]
    if later:
        waiting.sort(key=later.__contains__)
    return waiting


def _waiting_pairs(duplicates: dict[str, tuple[Kind, Pair]], standing: Standing) -> list[str]:
    """Return the possible duplicates that are not decided, those that were put off last."""
    waiting = [key for key, about in duplicates.items() if about not in standing.pairs]
    if standing.later:
        waiting.sort(key=lambda key: duplicates[key] in standing.later)
    return waiting


def _company_lines(contact: Row, company: Row) -> list[Line]:
    website = [company["website"]] if company["website"] else []
    email = [company["email"]] if company["email"] else []
    hosts = ", ".join(dict.fromkeys([*listed_domains(company["domains"]), *website, *email]))
    return [
        line("name", contact["organisation"], company["name"]),
        line("domain", contact["email"] or contact["website"], hosts),
        *(
            line(name, contact[name], company[name])
            for name in ("phone", "street", "postal_code", "city", "country", "vat_number")
        ),
    ]


def _person_lines(contact: Row, person: Row) -> list[Line]:
    fields = (
        "first_name", "last_name", "email", "phone", "birth_date", "street", "postal_code", "city",
        "country", "organisation",
    )  # fmt: skip
    return [line(name, contact[name], person[name]) for name in fields]


def _steps(pair: Row, levels: dict[tuple[str, str], tuple[int, str]]) -> list[Step]:
    """Return what adds up to the score of a pair, the largest first."""
    start, _ = levels.get(("pair", "any"), (0, ""))
    found = []
    for column, level in pair.items():
        feature = column.removesuffix("_level")
        if feature == column or level is None:
            continue
        weight, wording = levels.get((feature, level), (0, ""))
        if weight:
            found.append((feature, weight, wording))
    steps = [Step("pair", "", start, 0, start)]
    position = start
    for feature, weight, wording in sorted(found, key=lambda each: -abs(each[1])):
        steps.append(Step(feature, wording, weight, position, position + weight))
        position += weight
    return steps
