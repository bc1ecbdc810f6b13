"""Lists that move while they are read lose nothing that was there throughout."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tap_kizen.pagination.keyset import KeysetPaginator
from tap_kizen.pagination.paginator import OrderIgnoredError, Page, PageRequest, Pages, Seen
from tap_kizen.pagination.reverse import (
    LONGEST_SPAN,
    ReversePagination,
    ReversePaginator,
    TwoPassPaginator,
)
from tap_kizen.reading import KizenStream
from tap_kizen.tap import TapKizen
from tap_kizen.timestamps import parse_timestamp, to_utc
from tests.programs import kizen_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.server import Sandbox
    from tap_kizen.pagination.paginator import Paginator

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Shelf:
    """A list in memory with Kizen's pages, whose records come, go and change."""

    def __init__(self, rng: Random, length: int, size: int) -> None:
        self.rng = rng
        self.size = size
        self.clock = 0
        self.made = 0
        self.requests = 0
        self.records: list[dict[str, Any]] = []
        self.has_count = rng.random() < 0.5
        self.keeps_order = True
        for _ in range(length):
            self.add()

    def now(self) -> str:
        # Several records share a moment.
        self.clock += self.rng.choice([0, 0, 1, 40])
        return to_utc(EPOCH + timedelta(milliseconds=self.clock, microseconds=self.made))

    def add(self) -> None:
        self.made += 1
        now = self.now()
        self.records.append({"id": str(self.made), "created": now, "updated": now})

    def move(self) -> None:
        """Archive, add or change some records."""
        for _ in range(self.rng.choice([0, 1, 3, self.size, 2 * self.size])):
            kind = self.rng.random()
            if kind < 0.5 and self.records:
                self.records.pop(self.rng.randrange(len(self.records)))
            elif kind < 0.75:
                self.add()
            elif self.records:
                self.clock += 1
                self.rng.choice(self.records)["updated"] = self.now()

    def answer(self, ask: PageRequest) -> Page:
        self.requests += 1
        found = [
            record
            for record in self.records
            if ask.since is None or parse(record["updated"]) >= ask.since
        ]
        if ask.ordering and self.keeps_order:
            name = ask.ordering.removeprefix("-")
            found.sort(key=lambda record: record[name], reverse=ask.ordering[0] == "-")
        size = ask.size or self.size
        start = (ask.page - 1) * size
        if start >= len(found) and ask.page > 1:
            return Page(results=[], is_past_end=True)
        return Page(
            results=[dict(record) for record in found[start : start + size]],
            next="more" if start + size < len(found) else None,
            count=len(found) if self.has_count else None,
        )

    # What a walk asks of an answer.

    def decode(self, response: Any) -> Page:
        assert isinstance(response, Page)
        return response

    def key(self, record: dict[str, Any]) -> Any:
        return record.get("id")

    def timestamp(self, record: dict[str, Any], name: str) -> datetime | None:
        value = record.get(name)
        return parse(value) if value else None


def parse(text: str) -> datetime:
    moment = parse_timestamp(text)
    assert moment is not None
    return moment


def read(
    walk: Paginator, shelf: Shelf, between: Callable[[], None], window: int = 1
) -> Iterator[dict[str, Any]]:
    """Do what the SDK does with a paginator, with something going on between requests.

    Requests of a window are answered in any order, at any time until they are waited for.
    """
    asked: list[PageRequest] = []
    answers: dict[PageRequest, Page] = {}
    while not walk.finished:
        wanted = [walk.current_value, *islice(walk.upcoming(), window - 1)]
        answers = {ask: page for ask, page in answers.items() if ask in wanted}
        asked = [ask for ask in wanted if ask not in answers]
        while walk.current_value not in answers:
            ask = asked.pop(shelf.rng.randrange(len(asked)))
            answers[ask] = shelf.answer(ask)
            if shelf.rng.random() < 1 / window:
                between()
        page = answers.pop(walk.current_value)
        if walk.wants(page):
            yield from page.results
        between()
        walk.advance(page)  # type: ignore[arg-type] # the shelf takes its own answers


@pytest.mark.parametrize("window", [1, 2, 8])
@pytest.mark.parametrize("seed", range(300))
def test_backward_misses_nothing_that_was_there_throughout(seed: int, window: int) -> None:
    rng = Random(seed)  # noqa: S311
    shelf = Shelf(rng, length=rng.randrange(60), size=rng.randrange(1, 8))
    before = {record["id"] for record in shelf.records}
    # Some lists move all the time, some hardly ever.
    pace = rng.choice([1.0, 0.3, 0.05])
    walk = ReversePaginator(shelf, "created", Pages(shelf.size, window))
    moved = read(walk, shelf, lambda: shelf.move() if rng.random() < pace else None, window)
    found = {record["id"] for record in moved}
    throughout = before & {record["id"] for record in shelf.records}
    assert throughout <= found


def test_pages_that_are_asked_for_together_need_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the second look at a span is for: taken for granted, records are missed."""

    def take_for_granted(walk: ReversePagination, _: Page) -> PageRequest | None:
        walk._is_looking, walk._unproven = False, None  # noqa: SLF001
        return walk._go_on()  # noqa: SLF001

    monkeypatch.setattr(ReversePagination, "_look", take_for_granted)
    missed = 0
    for seed in range(100):
        shelf = Shelf(Random(seed), length=40, size=3)  # noqa: S311
        before = {record["id"] for record in shelf.records}
        walk = ReversePaginator(shelf, "created", Pages(3, 8))
        found = {record["id"] for record in read(walk, shelf, shelf.move, 8)}
        missed += len((before & {record["id"] for record in shelf.records}) - found)
    assert missed > 0


def test_pages_guessed_during_the_search_are_not_taken_for_those_of_the_way_back() -> None:
    """Their answers may be older than the last page, to which records belonged then."""
    for seed in range(200):
        rng = Random(seed)  # noqa: S311
        # The search asks for pages 5 and 7 beside the sixth, which is the last.
        shelf = Shelf(rng, length=18, size=3)
        shelf.has_count = False
        before = {record["id"] for record in shelf.records}

        def archive(shelf: Shelf = shelf, rng: Random = rng) -> None:
            if rng.random() < 0.2:
                shelf.records.pop(rng.randrange(len(shelf.records)))

        walk = ReversePaginator(shelf, "created", Pages(3, 8))
        found = {record["id"] for record in read(walk, shelf, archive, 8)}
        assert before & {record["id"] for record in shelf.records} <= found


def test_the_search_asks_for_both_pages_that_an_answer_leads_to() -> None:
    """A long list has fewer answers to wait for, a short one costs no request more."""
    rounds, requests = {}, {}
    for window in (1, 8):
        shelf = Shelf(Random(1), length=999, size=1)  # noqa: S311
        shelf.has_count = False
        walk = ReversePaginator(shelf, "created", Pages(1, window))
        asked: set[PageRequest] = set()
        rounds[window] = 0
        while not walk.is_returning:
            rounds[window] += walk.current_value not in asked
            asked |= {walk.current_value, *walk.upcoming()}
            walk.advance(shelf.answer(walk.current_value))  # type: ignore[arg-type]
        assert len(asked) <= 30
        short = Shelf(Random(1), length=2, size=1)  # noqa: S311
        short.has_count = False
        list(
            read(ReversePaginator(short, "created", Pages(1, window)), short, lambda: None, window)
        )
        requests[window] = short.requests
    assert rounds[8] <= 0.6 * rounds[1]
    assert requests[8] == requests[1]


@pytest.mark.parametrize("window", [1, 2, 8])
@pytest.mark.parametrize("comes", [False, True])
def test_both_ways_miss_nothing_where_records_only_vanish_or_only_come(
    window: int, *, comes: bool
) -> None:
    for seed in range(100):
        rng = Random(seed)  # noqa: S311
        shelf = Shelf(rng, length=rng.randrange(60), size=rng.randrange(1, 8))
        shelf.keeps_order = False
        before = {record["id"] for record in shelf.records}

        def move(shelf: Shelf = shelf, rng: Random = rng) -> None:
            if rng.random() < 0.3 and comes:
                shelf.records.insert(rng.randrange(len(shelf.records) + 1), {"id": "new"})
            elif rng.random() < 0.3 and shelf.records and not comes:
                shelf.records.pop(rng.randrange(len(shelf.records)))

        walk = TwoPassPaginator(shelf, Pages(shelf.size, window))
        found = {record["id"] for record in read(walk, shelf, move, window)}
        assert before & {record["id"] for record in shelf.records} <= found


def test_a_list_that_never_stands_still_is_read_in_the_end() -> None:
    """Spans get shorter until one page after the other is read, which needs no proof."""
    shelf = Shelf(Random(1), length=400, size=2)  # noqa: S311
    shelf.has_count = True

    def churn() -> None:
        shelf.records.pop(0)
        shelf.add()

    list(read(ReversePaginator(shelf, "created", Pages(2, 8)), shelf, churn, 8))
    # Pages, spans read in vain, and for each of these what was read and in flight behind it.
    assert shelf.requests <= 200 + 2 * LONGEST_SPAN + 2 * 8 * 8


def test_a_walk_from_the_first_page_on_would_miss_records() -> None:
    """What the walks are for: the same list, read as pages are usually read."""
    missed = 0
    for seed in range(50):
        shelf = Shelf(Random(seed), length=40, size=5)  # noqa: S311
        before = {record["id"] for record in shelf.records}
        found, ask = set(), PageRequest(ordering="created")
        while True:
            page = shelf.answer(ask)
            found |= {record["id"] for record in page.results}
            if page.next is None:
                break
            shelf.move()
            ask = ask._replace(page=ask.page + 1)
        missed += len((before & {record["id"] for record in shelf.records}) - found)
    assert missed > 0


@pytest.mark.parametrize("seed", range(300))
def test_seek_misses_no_change(seed: int) -> None:
    rng = Random(seed)  # noqa: S311
    shelf = Shelf(rng, length=rng.randrange(60), size=rng.randrange(2, 8))
    since = EPOCH + timedelta(milliseconds=rng.randrange(shelf.clock + 1))
    before = {r["id"] for r in shelf.records if parse(r["updated"]) >= since}
    moves = iter([True] * 12)

    def move() -> None:
        if next(moves, False):
            shelf.move()

    found = set()
    try:
        for record in read(KeysetPaginator(shelf, since, is_proven=False), shelf, move):
            found.add(record["id"])
    except OrderIgnoredError:
        # Too much moved during the proof; then the stream goes another way.
        assert len(list(moves)) > 8
        return
    throughout = before & {record["id"] for record in shelf.records}
    assert throughout <= found


@pytest.mark.parametrize("window", [1, 8])
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("length", [0, 1, 4, 5, 23])
def test_every_way_reads_a_list_that_stands_still(length: int, seed: int, window: int) -> None:
    shelf = Shelf(Random(seed), length=length, size=5)  # noqa: S311
    ways = [
        ReversePaginator(shelf, "created", Pages(5, window)),
        TwoPassPaginator(shelf, Pages(5, window)),
        KeysetPaginator(shelf, EPOCH, is_proven=False),
    ]
    for walk in ways:
        found = Seen().only_new(read(walk, shelf, lambda: None, window), shelf.key)
        assert sorted(int(record["id"]) for record in found) == list(range(1, length + 1))


def test_the_end_of_a_long_list_is_found_in_few_requests() -> None:
    shelf = Shelf(Random(1), length=1000, size=1)  # noqa: S311
    for has_count, most in ((True, 1001), (False, 1025)):
        shelf.has_count, shelf.requests = has_count, 0
        list(read(ReversePaginator(shelf, "created", Pages(1)), shelf, lambda: None))
        assert shelf.requests <= most
        shelf.requests = 0
        list(read(ReversePaginator(shelf, "created", Pages(1, 8)), shelf, lambda: None, 8))
        # A proof for each span.
        assert shelf.requests <= most + -(-1000 // LONGEST_SPAN)


def test_a_count_that_is_wrong_costs_requests_but_no_record() -> None:
    shelf = Shelf(Random(1), length=40, size=4)  # noqa: S311
    for wrong in (3, 17, 4000):
        walk = ReversePaginator(shelf, "created", Pages(4))
        found = set()
        while not walk.finished:
            page = shelf.answer(walk.current_value)
            page.count = wrong
            found |= {record["id"] for record in page.results if walk.wants(page)}
            walk.advance(page)  # type: ignore[arg-type]
        assert len(found) == 40


def test_an_order_that_is_not_kept_is_noticed() -> None:
    shelf = Shelf(Random(3), length=20, size=4)  # noqa: S311
    shelf.keeps_order = False
    # In order by chance on the first page, as freshly imported records are.
    with pytest.raises(OrderIgnoredError):
        list(read(KeysetPaginator(shelf, EPOCH, is_proven=False), shelf, lambda: None))
    shelf.records.reverse()
    with pytest.raises(OrderIgnoredError):
        list(read(ReversePaginator(shelf, "created", Pages(4)), shelf, lambda: None))


def test_a_proof_that_permissions_hide_is_none() -> None:
    """In order by chance on the first page; the page that would tell is empty."""
    shelf = Shelf(Random(3), length=20, size=2)  # noqa: S311
    shelf.keeps_order = False
    shelf.records[:2] = [
        {"id": "a", "updated": to_utc(EPOCH + timedelta(hours=1))},
        {"id": "b", "updated": to_utc(EPOCH + timedelta(hours=2))},
    ]
    walk = KeysetPaginator(shelf, EPOCH, is_proven=False)
    walk.advance(shelf.answer(walk.current_value))  # type: ignore[arg-type]
    assert walk.current_value.size == 1
    hidden = Page(results=[], next="more")
    with pytest.raises(OrderIgnoredError):
        walk.advance(hidden)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [4, 20])
def test_no_record_of_a_page_out_of_order_is_sent(length: int) -> None:
    """The bookmark follows the records that are sent: those left behind would be lost."""
    shelf = Shelf(Random(3), length=length, size=4)  # noqa: S311
    shelf.keeps_order = False
    shelf.records.reverse()
    sent: list[dict[str, Any]] = []
    with pytest.raises(OrderIgnoredError):
        sent.extend(read(KeysetPaginator(shelf, EPOCH, is_proven=True), shelf, lambda: None))
    assert sent == []


def test_repeats_are_dropped_with_bounded_memory() -> None:
    seen = Seen(remembered=10)

    def key(record: dict[str, Any]) -> Any:
        return record.get("id")

    records: list[dict[str, Any]] = [{"id": str(number)} for number in range(25)]
    assert seen.only_new(records, key) == records
    assert seen.only_new(records[15:], key) == []
    assert seen.only_new([{"name": "no id"}, {"name": "no id"}], key) == [{"name": "no id"}] * 2
    odd = [{"id": ["no", "id"]}]
    assert seen.only_new(odd * 2, key) == odd * 2


@pytest.mark.parametrize("by_page", [False, True])
@pytest.mark.parametrize("start", range(0, 200, 20))
def test_companies_that_move_while_they_are_read(
    legacy_sandbox: Sandbox, start: int, *, by_page: bool
) -> None:
    """Over HTTP, 200 runs in all: records are archived and added between any two records."""
    companies = legacy_sandbox.account.companies
    originals = list(companies)
    for seed in range(start, start + 20):
        rng = Random(seed)  # noqa: S311
        with companies.lock:
            companies[:] = originals
        page_size = rng.randrange(3, 12)
        settings = kizen_settings(
            legacy_sandbox, page_size=page_size, concurrent_requests=(1, 2, 8)[seed % 3]
        )
        stream = TapKizen(config=settings).streams["companies"]
        found = set()
        assert isinstance(stream, KizenStream)
        pages = stream.read_rows(None) if by_page else zip(stream.get_records(None))
        for record in chain.from_iterable(pages):
            # Typed by the page, as the service sent it one by one.
            assert isinstance(record, dict) is not by_page
            found.add(stream.key(record))
            if rng.random() < 0.2:
                with companies.lock:
                    if len(companies) > 1:
                        del companies[rng.randrange(len(companies))]
                    if rng.random() < 0.5:
                        companies.append({**originals[0], "id": f"new-{seed}-{len(found)}"})
        kept = {str(company["id"]) for company in companies}
        assert {str(company["id"]) for company in originals} & kept <= found
