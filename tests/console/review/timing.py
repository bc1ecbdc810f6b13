"""Time the review page over a large account: `make check-review`.

Prints the median and the longest of several requests of each kind, in milliseconds: also of the
first page, the first search and the first list after a run has published a new copy. Exit code 1
where a median is above `MOST`.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from tests.console.review.copy import make
from tests.console.review.serving import Visitor, serving

if TYPE_CHECKING:
    from collections.abc import Callable

CONTACTS, QUEUE = 100_000, 20_000
TIMES = 15
MOST = 300

#: Filters of the list of companies; each is asked of a new copy.
LISTS = {
    "who was linked": {"state": "sure", "how": "name"},
    "everybody": {"state": "all"},
    "words that wait": {"state": "waiting", "words": "élan brest sarl"},
    "words of everybody": {"state": "all", "words": "élan brest sarl"},
}


def main() -> int:
    """Make the account, use the page, and print how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        copy = make(Path(folder) / "warehouse.duckdb", CONTACTS, QUEUE)
        with serving(copy, Path(folder) / "decisions.jsonl") as server:
            server.review.questions.prepare()
            visitor = server.visitor()
            kinds: dict[str, Callable[[], str]] = {
                "the next contact": lambda: visitor.go("/companies"),
                "a decision, and the next contact": lambda: visitor.press("y"),
                "the next person": lambda: visitor.go("/persons"),
                "what was decided": lambda: visitor.go("/decided"),
                "the list of what waits": lambda: visitor.go("/list/companies"),
                "the list of duplicates": lambda: visitor.go("/list/duplicates"),
            }
            medians = [timed(name, ask) for name, ask in kinds.items()]
            visitor.go("/companies")
            again = partial(visitor.press, "q")
            medians.append(timed("those alike", partial(visitor.press, "a"), again))
            again = partial(visitor.go, "/companies")
            # As duckdb-publish does it: beside its place, then put there whole.
            another = copyfile(copy, Path(folder) / "another.duckdb")

            def publish() -> None:
                # Nobody reads a page faster than the search is made ready behind it.
                while not server.review.questions.is_prepared:
                    pass
                copyfile(another, copy.with_name("new")).replace(copy)

            medians.append(timed("the first page of a new copy", again, before=publish))
            search = partial(visitor.search, "élan 123")

            def publish_and_look() -> None:
                publish()
                again()
                while not server.review.questions.is_prepared:
                    pass

            first = timed("the first search in a new copy", search, before=publish_and_look)
            medians.append(first)
            listed = partial(filtered, visitor, state="all", words="élan brest sarl")
            medians.append(timed("the first list in a new copy", listed, before=publish_and_look))
            for name, values in LISTS.items():
                # What was listed is kept.
                forget = server.review.lists.forget
                listed = partial(filtered, visitor, **values)
                medians.append(timed(f"a list of {name}", listed, before=forget))
            again()
            for what, label in (("a company", ""), ("a contact", "contacts")):
                ask = partial(visitor.search, "élan 123", label)
                medians.append(timed(f"a search for {what}", ask, again))
    return 1 if max(medians) > MOST else 0


def filtered(visitor: Visitor, **values: str) -> str:
    """Show a list of companies."""
    (csrf,) = {value for each in visitor.buttons for name, value in each.values if name == "csrf"}
    return visitor.post("/list", {"csrf": csrf, "tab": "companies", **values})


def timed(
    name: str,
    ask: Callable[[], str],
    back: Callable[[], str] | None = None,
    before: Callable[[], None] | None = None,
) -> float:
    """Return the median of how long an answer takes, in milliseconds, and print it."""
    durations = []
    for _ in range(TIMES):
        if before is not None:
            before()
        started = time.perf_counter()
        ask()
        durations.append(1000 * (time.perf_counter() - started))
        if back is not None:
            back()
    median = statistics.median(durations)
    sys.stdout.write(f"{name:34} {median:6.0f} ms, at most {max(durations):.0f} ms\n")
    return median


if __name__ == "__main__":
    sys.exit(main())
