"""Questions that rest on the same, and so can be decided at once after all of them were seen."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from console.review.questions import DUPLICATES, PAIRED, pair_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from console.decisions.standing import Standing
    from console.review.questions import Questions

ALIKE = 500
"""How many questions are shown, and decided, at once."""

CLEAR_LEAD = 10
"""Points by which a person has to lead: ten times the odds of the next best."""

#: The contacts that name the same, or nothing with the same evidence, and wait for one company: the
#: rule of `similar_contact_count` in marts.link_review_queue.
_COMPANIES = """
select queue.contact_id, queue.company_id, [
    queue.company_id, cast(keys.core_number as varchar),
    case when keys.core_number is null then coalesce(links.tier, queue.contact_id) end
], []
from marts.link_review_queue as queue
inner join marts.contact_company_links as links on queue.contact_id = links.contact_id
inner join intermediate.int_contacts__match_keys as keys on queue.contact_id = keys.contact_id
where queue.company_id = (
    select company_id from marts.link_review_queue
    where contact_id = ? and similar_contact_count > 1
)
order by queue.review_rank
"""

#: Where people live, and what rings or is read there.
_HOME = """[
    lower(trim(email)), nullif(regexp_replace({phone}, '\\D', '', 'g'), ''),
    nullif(regexp_replace({mobile}, '\\D', '', 'g'), ''), lower(street || ' ' || postal_code)
]"""

_CONTACT_HOMES = f"""
select 'kananas_contact' as kind, contact_id as id,
    {_HOME.format(phone="phone", mobile="mobile")} as home
from staging.stg_kananas__contacts
"""

_PERSON_HOMES = f"""
select 'kizen_contact', kizen_contact_id, {_HOME.format(phone="home_phone", mobile="mobile_phone")}
from staging.stg_kizen__contacts
"""

#: Contacts whose proposal rests on the same levels, and is as sure, where nobody else comes near,
#: and no other contact has the person or waits for it.
_PERSONS = f"""
with links as (
    select *, count(*) over (partition by kizen_contact_id) as contact_count
    from marts.contact_person_links where kizen_contact_id is not null
)
select links.contact_id, links.kizen_contact_id, [
    links.tier, links.reasons, cast(links.confidence as varchar),
    pairs.first_name_level, pairs.last_name_level, pairs.email_level, pairs.phone_level,
    pairs.birth_date_level, pairs.address_level, pairs.employer_level
], homes.home
from links
inner join intermediate.int_persons__scored as pairs
    on links.contact_id = pairs.contact_id and links.kizen_contact_id = pairs.kizen_contact_id
inner join ({_CONTACT_HOMES}) as homes on links.contact_id = homes.id
where links.status = 'review' and not pairs.is_duplicate and not pairs.is_shared
    and coalesce(links.margin >= {CLEAR_LEAD}, true) and links.contact_count = 1
order by links.confidence desc, links.contact_id
"""

#: Pairs of which the same agrees and differs. The parts of the key are the first three columns.
_DUPLICATES = """
with pairs as (select * from {table} where {paired}),
sides as (
    select kind, id, count(*) as pair_count
    from (select kind, left_id as id from pairs union all select kind, right_id from pairs) as ends
    group by kind, id
),
homes as ({homes})
select pairs.kind, pairs.left_id, pairs.right_id,
    [pairs.kind, pairs.reasons, cast(pairs.confidence as varchar)],
    list_concat(one.home, other.home)
from pairs
inner join sides as lefts on pairs.kind = lefts.kind and pairs.left_id = lefts.id
inner join sides as rights on pairs.kind = rights.kind and pairs.right_id = rights.id
left join homes as one on pairs.kind = one.kind and pairs.left_id = one.id
left join homes as other on pairs.kind = other.kind and pairs.right_id = other.id
where lefts.pair_count = 1 and rights.pair_count = 1 and pairs.reasons is not null
order by pairs.confidence desc, pairs.kind, pairs.left_id, pairs.right_id
"""

#: A question, what is proposed for it, what it rests on, and what a household shares.
_Row = tuple[str, str, list[str | None], list[str | None] | None]


class Alike:
    """Groups of questions of a published copy."""

    def __init__(self, questions: Questions) -> None:
        """Take the questions; nothing is read yet."""
        self._questions = questions
        self._lock = threading.Lock()
        self._version: tuple[int, int, int] | None = None
        self._groups: dict[str, dict[str, dict[str, str]]] = {}

    def of(self, tab: str, key: str, standing: Standing) -> dict[str, str]:
        """Return the questions that wait and are like one of a tab, itself too.

        Args:
            tab: Of the page.
            key: Of the question: the contact, or the pair.
            standing: What stands of the decisions.

        Returns:
            What is proposed, by the key of each question: a company, a person, or nothing of a
            pair. Where nothing else is like it, nothing at all.
        """
        group = self._of_copy(tab, key).get(key, {})
        if len(group) > 1:
            waiting = set(self._questions.open(tab, standing))
            taken = _taken(standing) if tab == "persons" else set()
            group = {
                each: other
                for each, other in group.items()
                if each in waiting and other not in taken
            }
        return group if key in group and len(group) > 1 else {}

    def _of_copy(self, tab: str, key: str) -> Mapping[str, dict[str, str]]:
        """Return the groups of a copy by the keys in them; of companies, those like one key."""
        with self._lock:
            version = self._questions.published.version()
            if version != self._version:
                self._version = version
                self._groups = {}
            groups = self._groups.setdefault(tab, {})
            # Many contacts wait for companies: all of them would take longer than a page may.
            if not groups or (tab == "companies" and key not in groups):
                groups |= {key: {}} | _grouped(self._rows(tab, key))
            return groups

    def _rows(self, tab: str, key: str) -> list[_Row]:
        published = self._questions.published
        if tab == "companies":
            return [tuple(row) for row in published.table(_COMPANIES, [key])[1]]
        if tab == "persons":
            return [tuple(row) for row in published.table(_PERSONS)[1]]
        homes = [_CONTACT_HOMES]
        if published.has("staging.stg_kizen__contacts"):
            homes.append(_PERSON_HOMES)
        query = _DUPLICATES.format(table=DUPLICATES, paired=PAIRED, homes=" union all ".join(homes))
        _, found = published.table(query)
        return [(pair_key(*row[:3]), "", row[3], row[4]) for row in found]


def _taken(standing: Standing) -> set[str]:
    """Return the persons that a decision has given to a contact."""
    return {
        decision.kizen_contact_id
        for (kind, _), decision in standing.forced.items()
        if kind == "person_link" and decision.kizen_contact_id
    }


def _grouped(rows: Iterable[_Row]) -> dict[str, dict[str, str]]:
    """Return for each question its group, without those of which one household has several."""
    groups: dict[tuple[str | None, ...], list[_Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[2]), []).append(row)
    found: dict[str, dict[str, str]] = {}
    for members in groups.values():
        homes: dict[str, set[str]] = {}
        for key, _, _, home in members:
            for shared in home or ():
                if shared:
                    homes.setdefault(shared, set()).add(key)
        neighbours = {key for keys in homes.values() if len(keys) > 1 for key in keys}
        group = {key: other for key, other, _, _ in members if key not in neighbours}
        if len(group) > 1:
            found |= dict.fromkeys(group, group)
    return found


def written(key: str, other: str) -> str:
    """Return a question and what was shown as its answer, for a form."""
    return f"{quote(key, safe='')} {quote(other, safe='')}"


def read(text: str) -> tuple[str, str]:
    """Return what `written` has written; of anything else, empty texts."""
    key, _, other = text.partition(" ")
    return unquote(key), unquote(other)
