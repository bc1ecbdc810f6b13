"""Which decisions count: the rules of `checked_overrides` in dbt_project/macros/overrides.sql.

dbt applies them to all that was decided anywhere, with the next run. The page needs to know at
once, of the file alone, what has been answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.decisions.decision import Decision, Kind

Pair = tuple[str | None, str | None]


@dataclass
class Standing:
    """What stands of the decisions of a file."""

    decisions: list[Decision] = field(default_factory=list)
    taken_back: set[str] = field(default_factory=set)
    #: The last word about a pair, but `later`.
    pairs: dict[tuple[Kind, Pair], Decision] = field(default_factory=dict)
    #: The link that a contact was last given, where that still stands.
    forced: dict[tuple[Kind, str], Decision] = field(default_factory=dict)
    #: What was put off, and has not been decided since, by its first id (of duplicates, both).
    later: dict[tuple[Kind, Pair], Decision] = field(default_factory=dict)
    #: That a contact belongs to none that was there, outside a sample, where that still stands.
    nobody: dict[tuple[Kind, str], Decision] = field(default_factory=dict)
    #: The last answer to a question of a sample, by the contact; `forbid` goes with a `none`.
    judged: dict[str, Decision] = field(default_factory=dict)

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> Standing:
        """Return what stands; the order of the lines does not count, the moments do."""
        every = list(decisions)
        taken_back = {each.undoes for each in every if each.decision == "undo" and each.undoes}
        standing = cls(every, taken_back)
        alive = [each for each in every if each.decision != "undo" and each.id not in taken_back]
        # Of two in one moment, the one that links nothing is the last word.
        for each in sorted(alive, key=lambda one: (one.decided_at, one.decision == "forbid")):
            standing._take(each)
        for key, decision in list(standing.forced.items()):
            if standing.pairs[decision.kind, decision.pair] is not decision:
                del standing.forced[key]
        return standing

    def _take(self, decision: Decision) -> None:
        about = subject(decision)
        if decision.sample and decision.contact_id and decision.decision != "forbid":
            self.judged[decision.contact_id] = decision
        if decision.decision in {"none", "unsure"}:
            if decision.contact_id and not decision.sample:
                self.nobody[decision.kind, decision.contact_id] = decision
                self.later.pop((decision.kind, about), None)
            return
        if decision.decision == "later":
            self.later[decision.kind, about] = decision
            return
        self.later.pop((decision.kind, about), None)
        self.pairs[decision.kind, decision.pair] = decision
        if decision.decision == "force" and decision.contact_id is not None:
            self.nobody.pop((decision.kind, decision.contact_id), None)
            self.forced[decision.kind, decision.contact_id] = decision

    @cached_property
    def answers(self) -> dict[tuple[Kind, str], Decision]:
        """The last decision that stands about the link of each contact, outside a sample."""
        return {
            (each.kind, each.contact_id): each
            for each in sorted(self.decisions, key=lambda one: one.decided_at)
            if each.contact_id is not None
            and each.kind.endswith("_link")
            and each.decision in {"force", "forbid", "none"}
            and not (each.decision == "none" and each.sample)
            and self.effect(each) == "in force"
        }

    def effect(self, decision: Decision) -> str:
        """Return what became of a decision, in the words of `link_override_report`."""
        if decision.id in self.taken_back:
            return "taken back"
        if decision.decision == "undo":
            return "in force"
        if decision.decision in {"none", "unsure"}:
            contact = decision.contact_id or ""
            last = (
                self.judged.get(contact)
                if decision.sample
                else self.nobody.get((decision.kind, contact))
            )
        elif decision.decision == "later":
            last = self.later.get((decision.kind, subject(decision)))
        elif decision.decision == "force" and decision.contact_id is not None:
            last = self.forced.get((decision.kind, decision.contact_id))
        else:
            last = self.pairs.get((decision.kind, decision.pair))
        return "in force" if last is decision else "superseded"


def subject(decision: Decision) -> Pair:
    """Return what a question is about: the contact of a link, both sides of a duplicate."""
    if decision.kind.endswith("_duplicate"):
        return decision.pair
    return decision.contact_id, None
