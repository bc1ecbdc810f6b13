"""From what a person presses to the lines of the decisions file."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.audit.sample import SamplesFile
from console.decisions.decision import FIELDS, Decision, Kind, new_id, now
from console.decisions.standing import Standing, subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.audit.sample import Drawn
    from console.decisions.decision import Verdict
    from console.decisions.file import DecisionsFile, UnreadableLine

SOURCE = "review page"


@dataclass(frozen=True)
class Answer:
    """What is decided about one pair."""

    kind: Kind
    decision: Verdict
    one: str
    other: str | None


class Meanwhile(Exception):  # noqa: N818 - no error: somebody was faster
    """Somebody has decided the same since the page was shown."""

    def __init__(self, decision: Decision) -> None:
        """Take their decision."""
        super().__init__(decision.id)
        self.decision = decision


class Deciding:
    """The decisions file, what stands of it, and the sample beside it."""

    def __init__(self, file: DecisionsFile) -> None:
        """Take the file."""
        self.file = file
        self._samples = SamplesFile(file.path)
        self._lock = threading.Lock()
        self._standing: Standing | None = None
        self._read: list[Decision] = []

    def standing(self) -> Standing:
        """Return what stands now; it is reckoned anew only where something was added.

        Raises:
            DecisionsFileError: The file cannot be read.
        """
        with self._lock:
            return self._stand()

    def sample(self) -> list[Drawn]:
        """Return the sample that was drawn last, in the order of judging.

        Raises:
            DecisionsFileError: Its file cannot be read.
        """
        with self._lock:
            return self._samples.last()

    def unreadable(self) -> list[UnreadableLine]:
        """Return the lines of the file that are no decisions."""
        with self._lock:
            return self.file.unreadable()

    def _stand(self) -> Standing:
        read = self.file.read()
        if self._standing is None or read != self._read:
            self._read = read
            self._standing = Standing.of(read)
        return self._standing

    def decide(
        self,
        answers: Sequence[Answer],
        author: str,
        reason: str | None,
        seen: int,
        sample: str | None = None,
    ) -> list[Decision]:
        """Save answers as one action.

        Args:
            answers: What is decided.
            author: Who decides.
            reason: Their note.
            seen: How many decisions there were when the page was shown.
            sample: The sample whose question they answer.

        Returns:
            The decisions, on the disk.

        Raises:
            Meanwhile: Somebody was faster; nothing is saved.
            DecisionError: An answer is not whole.
            DecisionsFileError: They are not saved.
        """
        action, moment = new_id(), now()
        decisions = [
            Decision(
                id=new_id(),
                kind=answer.kind,
                decision=answer.decision,
                action=action,
                author=author or None,
                reason=reason,
                decided_at=moment,
                source=SOURCE,
                sample=sample,
                **{
                    name: value
                    for name, value in zip(
                        FIELDS[answer.kind], (answer.one, answer.other), strict=True
                    )
                    if value is not None
                },
            )
            for answer in answers
        ]

        def check() -> None:
            # Another page, perhaps of another process, may have written until now.
            if faster := self._since(seen, decisions):
                raise Meanwhile(faster)

        with self._lock:
            self.file.append(decisions, check)
        return decisions

    def _since(self, seen: int, decisions: Iterable[Decision]) -> Decision | None:
        about = {(each.kind, subject(each)) for each in decisions}
        standing = self._stand()
        for decision in standing.decisions[seen:]:
            if decision.decision in {"later", "undo"} or decision.id in standing.taken_back:
                continue
            if (decision.kind, subject(decision)) in about:
                return decision
        return None

    def last_action(self, author: str) -> list[Decision]:
        """Return what somebody decided last on the page, and has not taken back."""
        standing = self.standing()
        for decision in reversed(standing.decisions):
            if (
                decision.source == SOURCE
                and (decision.author or "") == author
                and decision.decision != "undo"
                and decision.id not in standing.taken_back
            ):
                return self.of_action(decision.action or decision.id)
        return []

    def of_action(self, action: str) -> list[Decision]:
        """Return the decisions of an action that are not taken back."""
        standing = self.standing()
        return [
            each
            for each in standing.decisions
            if (each.action or each.id) == action
            and each.decision != "undo"
            and each.id not in standing.taken_back
        ]

    def take_back(self, decisions: Sequence[Decision], author: str) -> None:
        """Save that decisions are taken back.

        Raises:
            DecisionsFileError: It is not saved.
        """
        action, moment = new_id(), now()
        self.file.append(
            Decision(
                id=new_id(),
                kind=each.kind,
                decision="undo",
                undoes=each.id,
                action=action,
                author=author or None,
                decided_at=moment,
                source=SOURCE,
            )
            for each in decisions
        )
