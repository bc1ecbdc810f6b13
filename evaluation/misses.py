"""Which kind of miss each true link is that was not found, and each link that is wrong.

The kind is read from the two names alone: the first of `KINDS` whose rule holds.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from evaluation.baselines import CANDIDATES
from evaluation.scores import LINKED, linked

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

CUT_LETTERS = 20
ACRONYM_LETTERS = 3
ALIKE = 0.85

# Forms of clubs and associations that are no legal forms, and articles.
FORM_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        """
        ac afc as asd asso assoc association ass bk bv cd cf club ev fc fk foot football
        futbol fotbal fussball futebol calcio sc sk sv tsv vfb vfl ud us rc if ff kv ks nk
        a al an and d da das de dei del della der des di die du e el en et het i il in l la las
        le les lo los o of och og os pour the to und van von y zu zum zur
        """,
    )
)
PARTS = re.compile(r"\s[-\u2013\u2014]|[-\u2013\u2014]\s|[()\[\]/|,;:]")
FORMER = re.compile(
    r"\b(ex|anciennement|ancien nom|formerly|former|previously|fka|ehemals|vormals|fruher|gia"
    r"|antes|antigua|voorheen|tidligere|tidigare|dawniej)\b"
)

NAMES = f"""
select
    pairs.contact_id, pairs.company_id,
    contacts.organisation_name, companies.company_name,
    contacts.core_number = companies.core_number as same_core,
    bearers.companies,
    contacts.contact_id is not null and companies.company_id is not null as present,
    {{other}} as other
from ({{pairs}}) as pairs
left join intermediate.int_contacts__match_keys as contacts using (contact_id)
left join intermediate.int_companies__match_keys as companies using (company_id)
left join (
    select core_number, count(*) as companies
    from intermediate.int_companies__match_keys group by core_number
) as bearers on companies.core_number = bearers.core_number
left join (select distinct contact_id, company_id from ({CANDIDATES})) as candidates
    using (contact_id, company_id)
left join (select distinct contact_id from truth) as known using (contact_id)
order by pairs.contact_id, pairs.company_id
"""
FOUND = linked(LINKED)
MISSED = NAMES.format(pairs=f"from truth except {FOUND}", other="candidates.contact_id is null")
WRONG = NAMES.format(pairs=f"{FOUND} except from truth", other="known.contact_id is null")


def folded(text: str) -> str:
    """Return a name in lower case without accents, its words between single spaces."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").lower().replace("&", " and "))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign) and sign != ".")
    return " ".join(re.findall(r"\w+", plain.translate(str.maketrans("øæœ_", "oee "))))


@dataclass(frozen=True)
class Name:
    """A name as written, and what the rules look at."""

    written: str
    weak_words: frozenset[str]

    @cached_property
    def plain(self) -> str:
        """The name, folded."""
        return folded(self.written)

    @cached_property
    def words(self) -> list[str]:
        """Its words in order."""
        return self.plain.split()

    @cached_property
    def telling(self) -> list[str]:
        """Its words but forms, weak words and single letters."""
        return [word for word in self.words if word not in self.weak_words and len(word) > 1]

    @cached_property
    def parts(self) -> set[str]:
        """What stands between dashes, parentheses and slashes, without form words."""
        pieces = (Name(piece, self.weak_words) for piece in PARTS.split(self.written))
        return {" ".join(piece.telling) for piece in pieces} - {""}

    @cached_property
    def initials(self) -> set[str]:
        """The initials of its words, and of those that are no articles."""
        without = [word for word in self.words if word not in FORM_WORDS]
        return {"".join(word[0] for word in words) for words in (self.words, without)}


@dataclass(frozen=True)
class Pair:
    """The two names of a link, and how many companies bear the company's."""

    contact: Name
    company: Name
    same_core: bool
    companies: int
    present: bool

    @property
    def by_length(self) -> tuple[Name, Name]:
        """The name of fewer telling words, then the other."""
        first, second = sorted((self.contact, self.company), key=lambda name: len(name.telling))
        return first, second


def _shortened(short: str, word: str) -> bool:
    """Return whether a word is a longer one's beginning, or some of its letters in order."""
    letters = iter(word)
    return (
        2 <= len(short) < len(word)  # noqa: PLR2004
        and short[0] == word[0]
        and all(letter in letters for letter in short)
    )


def _cut(pair: Pair) -> bool:
    shorter, longer = sorted((pair.contact.plain, pair.company.plain), key=len)
    return len(shorter) >= CUT_LETTERS and longer.startswith(shorter)


def _former(pair: Pair) -> bool:
    return any(FORMER.search(name.plain) for name in (pair.contact, pair.company))


def _part(pair: Pair) -> bool:
    ours, theirs = (
        name.parts | ({" ".join(name.telling)} - {""}) for name in (pair.contact, pair.company)
    )
    return bool(ours & theirs)


def _acronym(pair: Pair) -> bool:
    return any(
        len(word) >= ACRONYM_LETTERS and any(word in initials for initials in other.initials)
        for name, other in ((pair.contact, pair.company), (pair.company, pair.contact))
        for word in name.telling
    )


def _abbreviation(pair: Pair) -> bool:
    """Return whether each word of one name is in the other, and some are shortened in one."""
    for name, other in ((pair.contact, pair.company), (pair.company, pair.contact)):
        unequal = [word for word in name.telling if word not in other.telling]
        if name.telling and unequal and all(
            any(_shortened(word, long) or _shortened(long, word) for long in other.telling)
            for word in unequal
        ):  # fmt: skip
            return True
    return False


def _spelling(pair: Pair) -> bool:
    ours, theirs = ("".join(name.telling) for name in (pair.contact, pair.company))
    alike = SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
    return bool(ours and theirs) and alike >= ALIKE


def _all_words(pair: Pair) -> bool:
    fewer, more = pair.by_length
    return bool(fewer.telling) and set(fewer.telling) <= set(more.telling)


def _half_the_words(pair: Pair) -> bool:
    fewer, more = pair.by_length
    shared = sum(word in more.telling for word in fewer.telling)
    return shared * 2 >= len(fewer.telling) > 0


def _form_words(pair: Pair) -> bool:
    return pair.same_core or sorted(pair.contact.telling) == sorted(pair.company.telling) != []


KINDS: dict[str, Callable[[Pair], bool]] = {
    "contact or company not in the data": lambda pair: not pair.present,
    "no name on the contact": lambda pair: not pair.contact.plain,
    "no name on the company": lambda pair: not pair.company.plain,
    "equal name that several companies bear": lambda pair: pair.same_core and pair.companies > 1,
    "equal name": lambda pair: pair.contact.plain == pair.company.plain,
    "form words only": _form_words,
    "cut": _cut,
    "former name": _former,
    "part": _part,
    "all words of one name": _all_words,
    "acronym": _acronym,
    "abbreviation": _abbreviation,
    "spelling": _spelling,
    "half the words": _half_the_words,
    "translated or nothing in common": lambda _: True,
}


def kind(pair: Pair) -> str:
    """Return the first kind whose rule holds."""
    return next(name for name, holds in KINDS.items() if holds(pair))


class Kind(NamedTuple):
    """A kind of miss: how many links, how many of them have the second mark, two examples."""

    name: str
    links: int
    marked: int
    examples: list[str]


def missed(connection: duckdb.DuckDBPyConnection) -> list[Kind]:
    """Return the kinds of true links not found; marked are those that were no candidates."""
    return _kinds(connection, MISSED)


def wrong(connection: duckdb.DuckDBPyConnection) -> list[Kind]:
    """Return the kinds of wrong links; marked are those of contacts that have no company."""
    return _kinds(connection, WRONG)


def _kinds(connection: duckdb.DuckDBPyConnection, query: str) -> list[Kind]:
    weak = _weak_words(connection)
    found: dict[str, list[tuple[str, bool]]] = {name: [] for name in KINDS}
    for _, _, contact, company, same_core, companies, present, marked in connection.execute(
        query
    ).fetchall():
        pair = Pair(
            Name(contact or "", weak), Name(company or "", weak),
            bool(same_core), companies or 0, present,
        )  # fmt: skip
        found[kind(pair)].append((f"{contact or ''} | {company or ''}", marked))
    return [
        Kind(name, len(links), sum(marked for _, marked in links), [said for said, _ in links[:2]])
        for name, links in found.items()
        if links
    ]


def _weak_words(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "select word from seeds.common_words where found_in in ('name', 'any name')"
        " union select unnest(string_split(legal_form, ' ')) from seeds.legal_forms"
    ).fetchall()
    return FORM_WORDS | {folded(word) for (word,) in rows}
