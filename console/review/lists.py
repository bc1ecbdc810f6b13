"""What a tab holds as a list: filtered, page by page, and asked one by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from console.review.questions import CONTACT, DUPLICATES, PAIRED, SIDES, listed_table, pair_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.decisions.decision import Decision
    from console.decisions.standing import Standing
    from console.published import Row
    from console.review.questions import Questions

ROWS = 50
"""How many rows a page of a list has."""

_KEPT = 8
"""Answers of the tables that are kept, of the newest copy: those that were used last."""

State = Literal["waiting", "later", "decided", "sure", "none", "all"]

#: What can be listed of a tab. Links are also made without asking, or not at all.
STATES: dict[str, tuple[State, ...]] = {
    "companies": ("waiting", "later", "decided", "sure", "none", "all"),
    "persons": ("waiting", "later", "decided", "sure", "none", "all"),
    "duplicates": ("waiting", "later", "decided", "all"),
}

#: The status of the links that a state lists, where it is one.
_STATUSES: dict[State, str] = {
    "waiting": "review", "later": "review", "sure": "auto", "none": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """What is listed of a tab. An empty text leaves nothing out."""

    state: State = "waiting"
    how: str = ""
    """Of links the tier, of duplicates the kind."""
    words: str = ""
    """Each is found in one of the two sides: in a name, an organisation, an address, a key."""

    @property
    def is_all_that_waits(self) -> bool:
        """Whether it lists what the queue asks, and nothing else."""
        return self == Filter()


@dataclass(frozen=True)
class Listed:
    """A row of a list: both sides, and what was decided."""

    key: str
    row: Row
    decision: Decision | None
    is_later: bool


class Lists:
    """The lists of a published copy."""

    def __init__(self, questions: Questions) -> None:
        """Take the questions; nothing is read yet."""
        self._questions = questions
        self._lock = threading.Lock()
        self._version: tuple[int, int, int] | None = None
        self._matching: OrderedDict[tuple[str, str, str, str], list[str]] = OrderedDict()
        self._tiers: dict[str, list[str]] = {}

    def keys(self, tab: str, wanted: Filter, standing: Standing, order: str) -> list[str]:
        """Return the keys of what is listed: in the order of the queue, or of names.

        Raises:
            PublishedError: There is no copy, or it was made by another version of the models.
        """
        later = self._later(tab, standing)
        if wanted.state in {"waiting", "later"}:
            keys = self._questions.open(tab, standing, order)
            if wanted.state == "later":
                keys = [each for each in keys if each in later]
            if not (wanted.how or wanted.words):
                return keys
            matching = set(self._match(tab, wanted))
            return [each for each in keys if each in matching]
        keys = self._match(tab, wanted)
        if wanted.state == "all":
            return keys
        decided = self._decided(tab, standing)
        if wanted.state != "decided":
            return [each for each in keys if each not in decided]
        # What was decided elsewhere, the tables know since the last run.
        known = {
            *decided,
            *self._match(tab, wanted, "forced"),
            *self._match(tab, wanted, "forbidden"),
        }
        return [each for each in keys if each in known]

    def one_by_one(
        self, tab: str, wanted: Filter, standing: Standing, order: str
    ) -> tuple[list[str], int]:
        """Return what is to be asked of a list, what was put off last, and how many it had.

        What is decided meanwhile counts among them, as it does in the queue.
        """
        decided, later = self._decided(tab, standing), self._later(tab, standing)
        keys = self.keys(tab, wanted, standing, order)
        waiting = sorted((each for each in keys if each not in decided), key=later.__contains__)
        if wanted.state == "later":
            return waiting, len(waiting)
        return waiting, len(waiting) + sum(each in decided for each in self._match(tab, wanted))

    def rows(self, tab: str, keys: Sequence[str], standing: Standing) -> list[Listed]:
        """Return what a list shows of some keys, in their order."""
        if not keys:
            return []
        later, decided = self._later(tab, standing), self._decided(tab, standing)
        found = self._pairs(keys) if tab == "duplicates" else self._links(tab, keys)
        return [
            Listed(key, found[key], decided.get(key), key in later) for key in keys if key in found
        ]

    def ways(self, tab: str) -> list[str]:
        """Return what a list can be filtered by: the tiers of links, the kinds of duplicates."""
        with self._lock:
            self._renew()
            if tab not in self._tiers:
                query = (
                    f"select distinct kind from {DUPLICATES} where {PAIRED} order by kind"
                    if tab == "duplicates"
                    else f"select distinct tier from {SIDES[tab].links}"
                    " where tier is not null order by tier"
                )
                _, rows = self._questions.published.table(query)
                self._tiers[tab] = [row[0] for row in rows]
            return self._tiers[tab]

    def _renew(self) -> None:
        """Forget what another copy answered."""
        version = self._questions.published.version()
        if version != self._version:
            self._version = version
            self.forget()

    def forget(self) -> None:
        """Forget what the tables answered."""
        self._matching.clear()
        self._tiers.clear()

    def _match(self, tab: str, wanted: Filter, status: str = "") -> list[str]:
        """Return the keys of the rows that a filter names, whatever was decided in the file."""
        status = status or _STATUSES.get(wanted.state, "")
        asked = tab, status, wanted.how, wanted.words
        with self._lock:
            self._renew()
            if asked not in self._matching:
                self._matching[asked] = (
                    self._match_pairs(status, wanted.how, wanted.words)
                    if tab == "duplicates"
                    else self._match_links(*asked)
                )
                if len(self._matching) > _KEPT:
                    self._matching.popitem(last=False)
            self._matching.move_to_end(asked)
            return self._matching[asked]

    def _match_links(self, tab: str, status: str, tier: str, words: str) -> list[str]:
        table, make = listed_table(tab)
        tests, values = [], []
        for column, value in (("status", status), ("tier", tier)):
            if value:
                tests.append(f"{column} = ?")
                values.append(value)
        for word in words.split():
            tests.append("contains(text, lower(strip_accents(?)))")
            values.append(word)
        where = f"where {' and '.join(tests)}" if tests else ""
        _, rows = self._questions.published.table(
            f"select id from {table} {where} order by rowid", values, first=make
        )
        return [row[0] for row in rows]

    def _match_pairs(self, status: str, kind: str, words: str) -> list[str]:
        if status in {"forced", "forbidden"}:
            # The tables hold those that are open alone.
            return []
        text = "lower(strip_accents(concat_ws(' ', left_name, right_name, left_id, right_id)))"
        tests: list[str] = [PAIRED]
        values: list[str] = []
        if kind:
            tests.append("kind = ?")
            values.append(kind)
        for word in words.split():
            tests.append(f"contains({text}, lower(strip_accents(?)))")
            values.append(word)
        _, rows = self._questions.published.table(
            f"""select kind, left_id, right_id from {DUPLICATES} where {" and ".join(tests)}
order by confidence desc, kind, left_id, right_id""",
            values,
        )
        return [pair_key(*row) for row in rows]

    def _links(self, tab: str, keys: Sequence[str]) -> dict[str, Row]:
        side = SIDES[tab]
        rows = self._questions.published.rows(
            f"""with asked as (select unnest(cast(? as varchar[])) as contact_id)
select contact_id, contacts.name, contacts.organisation, contacts.city,
    links.{side.id} as other_id, others.name as other_name, others.city as other_city,
    links.status, links.tier, links.confidence
from asked
inner join ({CONTACT}) as contacts using (contact_id)
inner join {side.links} as links using (contact_id)
left join ({side.names}) as others on links.{side.id} = others.id""",
            [list(keys)],
        )
        return {row["contact_id"]: row for row in rows}

    def _pairs(self, keys: Sequence[str]) -> dict[str, Row]:
        known = self._questions.duplicates()
        ids = sorted({each for key in keys if key in known for each in known[key][1] if each})
        rows = self._questions.published.rows(
            f"""select kind, left_id, right_id, left_name, right_name, confidence
from {DUPLICATES} where {PAIRED} and left_id in (select unnest(cast(? as varchar[])))""",
            [ids],
        )
        return {pair_key(row["kind"], row["left_id"], row["right_id"]): row for row in rows}

    def _decided(self, tab: str, standing: Standing) -> Mapping[str, Decision]:
        """Return the decision that stands about a key."""
        if tab == "duplicates":
            return {
                key: standing.pairs[about]
                for key, about in self._questions.duplicates().items()
                if about in standing.pairs
            }
        kind = SIDES[tab].kind
        return {
            contact: decision for (of, contact), decision in standing.answers.items() if of == kind
        }

    def _later(self, tab: str, standing: Standing) -> set[str]:
        if tab == "duplicates":
            known = self._questions.duplicates()
            return {key for key, about in known.items() if about in standing.later}
        kind = SIDES[tab].kind
        return {contact for of, (contact, _) in standing.later if of == kind and contact}
