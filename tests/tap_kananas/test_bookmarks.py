"""Incremental lists lose no change, whatever happens while they are read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import requests

from tap_kananas.bookmarks import Bookmark, read_moment
from tests.programs import Outcome, run_tap
from tests.tap_kananas.changing_service import NOTATIONS, Service, running

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CLOCKS = [name for name, notation in NOTATIONS.items() if notation.is_clock]
LOCAL = [name for name in CLOCKS if name.startswith(("local", "minutes", "day", "digits"))]
MINUTE = 60
NO_MOMENTS: list[Any] = [0, 17, -1, True, "", "v12", "31/31/2026", "99999999", [], {}, None]
NO_MOMENTS += [20_269_999, 1e300, "9" * 30, "NaN", "0000-00-00"]
UTC = timezone.utc


class Runs:
    """The tap, run again and again with the state of the last time."""

    def __init__(
        self,
        service: Service,
        folder: Path,
        *,
        paged: bool = False,
        without: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        """Read the contacts of a service by what changed."""
        self._service = service
        self._folder = folder
        request: dict[str, Any] = {
            "name": "contacts",
            "request": "contacts",
            "replication_key": "changed",
            "replication_parameter": "since",
        }
        if paged:
            size = {"parameter": "page", "size_parameter": "limit", "size": 2}
            request["paging"] = {"kind": "page", **size}
        for name in without:
            del request[name]
        zone = service.notation.zone
        self._settings = {
            "secret_key": "sandbox-secret",
            "rate_limit": 1000,
            "requests": [request],
            **({"timezone": zone} if zone else {}),
            **settings,
        }
        self.state: dict[str, Any] | None = None
        self.names: dict[int, str] = {}

    def run(self) -> Outcome:
        settings = {"api_url": self._service.url, **self._settings}
        outcome = run_tap("tap_kananas", settings, self._folder, state=self.state)
        assert outcome.code == 0, outcome.err
        self.state = outcome.state
        self.names |= {record["id"]: record["name"] for record in outcome.records}
        return outcome

    @property
    def bookmark(self) -> dict[str, Any]:
        assert self.state is not None
        found: dict[str, Any] = self.state["bookmarks"]["contacts"]
        return found


def account(notation: str, *, now: datetime | None = None, contacts: int = 4) -> Service:
    """Return a service whose contacts changed an hour ago, a second apart."""
    service = Service(NOTATIONS[notation], now or datetime.now(UTC))
    service.pass_time(-3600)
    for number in range(1, contacts + 1):
        service.pass_time(1)
        service.change(number, "first")
    service.pass_time(3600 - contacts)
    return service


def change_between_pages(service: Service) -> None:
    """After page 1 contact 1 changes, and a minute later contact 4, which is on page 2."""

    def change(responses: int) -> None:
        if responses == 1:
            service.pass_time(MINUTE)
            service.change(1, "changed meanwhile")
            service.pass_time(MINUTE)
            service.change(4, "changed later")

    service.after_response = change


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_change_while_pages_are_read_comes_with_the_next_run(
    tmp_path: Path, notation: str
) -> None:
    with running(account(notation)) as service:
        runs = Runs(service, tmp_path, paged=True)
        change_between_pages(service)
        runs.run()
        assert runs.names == {1: "first", 2: "first", 3: "first", 4: "changed later"}
        runs.run()
        assert runs.names == service.names
        service.pass_time(3 * 86_400)
        service.change(2, "much later")
        runs.run()
        assert runs.names == service.names


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("gone", [(1,), (1, 2), (3,), (2, 4)])
def test_what_is_deleted_while_pages_are_read_hides_nothing(
    tmp_path: Path, gone: tuple[int, ...], page: int, *, is_whole: bool
) -> None:
    """A row moves to a page that has been read, when one before it is deleted."""
    with running(account("UTC", contacts=7)) as service:
        for contact in service.contacts:
            service.pass_time(MINUTE)
            service.change(contact, "first")
        request = {"replication_key": "changed", "replication_parameter": "since"}
        runs = Runs(service, tmp_path, paged=True, without=request if is_whole else {})

        def delete(responses: int) -> None:
            if responses == page:
                service.pass_time(1)
                for contact in gone:
                    service.contacts.pop(contact)

        service.after_response = delete
        outcome = runs.run()
    assert service.names.keys() <= runs.names.keys()
    assert len(outcome.records) == len(runs.names)
    assert bool(outcome.of_type("ACTIVATE_VERSION")) is is_whole


@pytest.mark.parametrize("notation", CLOCKS)
@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_the_clock_of_the_service_may_be_another(tmp_path: Path, notation: str, ahead: int) -> None:
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    with running(account(notation, now=now)) as service:
        runs = Runs(service, tmp_path, paged=True)
        change_between_pages(service)
        runs.run()
        runs.run()
        assert runs.names == service.names


def test_a_service_that_tells_no_time_is_read_by_the_clock_of_this_machine(tmp_path: Path) -> None:
    with running(account("UTC")) as service:
        service.tells_date = False
        runs = Runs(service, tmp_path, paged=True)
        change_between_pages(service)
        runs.run()
        runs.run()
        assert runs.names == service.names


@pytest.mark.parametrize("notation", CLOCKS)
def test_a_record_that_shows_late_comes_with_the_next_run(tmp_path: Path, notation: str) -> None:
    service = account(notation)
    late = service.notation.write(service.now - timedelta(seconds=8))
    service.pass_time(-MINUTE)
    service.change(4, "last", stamp=service.notation.write(service.now + timedelta(seconds=58)))
    with running(service):
        runs = Runs(service, tmp_path)
        runs.run()
        service.change(5, "late", stamp=late)
        runs.run()
        assert runs.names == service.names


@pytest.mark.parametrize("zone", [None, "Europe/Paris"])
@pytest.mark.parametrize("notation", LOCAL)
def test_a_change_in_the_repeated_hour_comes_with_the_next_run(
    tmp_path: Path, notation: str, zone: str | None
) -> None:
    # Clocks in Paris show 2:50, and 20 minutes later 2:10.
    service = account(notation, now=datetime(2025, 10, 26, 0, 50, tzinfo=UTC))
    service.change(1, "at the first 2:50")
    with running(service):
        settings: dict[str, Any] = {"timezone": zone} if zone else {}
        runs = Runs(service, tmp_path, **settings)
        runs.run()
        service.pass_time(20 * MINUTE)
        service.change(2, "at the second 2:10")
        runs.run()
        assert runs.names == service.names
        service.pass_time(-5 * MINUTE)
        service.change(3, "at the second 2:05, but visible late")
        runs.run()
        assert runs.names == service.names


@pytest.mark.parametrize("notation", CLOCKS)
def test_the_next_run_reads_little_again(tmp_path: Path, notation: str) -> None:
    service = account(notation)
    service.change(5, "long ago", stamp=service.notation.write(service.now - timedelta(days=9)))
    with running(service):
        runs = Runs(service, tmp_path)
        runs.run()
        assert 5 not in {record["id"] for record in runs.run().records}
        assert "since" in service.queries[-1]


@pytest.mark.parametrize("notation", CLOCKS)
def test_a_stamp_of_the_future_does_not_carry_the_bookmark_along(
    tmp_path: Path, notation: str
) -> None:
    service = account(notation)
    future = service.now + timedelta(days=900)
    service.change(3, "stamped in the future", stamp=service.notation.write(future))
    with running(service):
        runs = Runs(service, tmp_path)
        runs.run()
        service.change(1, "changed today")
        runs.run()
        assert runs.names == service.names


@pytest.mark.parametrize("notation", CLOCKS)
def test_a_bookmark_of_the_future_reads_all_and_goes_back(tmp_path: Path, notation: str) -> None:
    service = account(notation)
    future = service.notation.write(service.now + timedelta(days=900))
    with running(service):
        runs = Runs(service, tmp_path)
        # As an earlier version left it.
        bookmark = {"replication_key": "changed", "replication_key_value": future}
        runs.state = {"bookmarks": {"contacts": bookmark}}
        outcome = runs.run()
        assert "contacts: the bookmark of the state lies in the future: all records are read" in (
            outcome.err
        )
        assert runs.names == service.names
        service.change(1, "changed today")
        assert "in the future" not in runs.run().err
        assert runs.names == service.names
        assert "since" in service.queries[-1]


def test_nothing_new_leaves_the_bookmark_where_it_is(tmp_path: Path) -> None:
    with running(account("UTC")) as service:
        runs = Runs(service, tmp_path)
        runs.run()
        before = runs.bookmark
        runs.run()
        assert runs.bookmark == before
        service.contacts.clear()
        runs.run()
        assert runs.bookmark == before


@pytest.mark.parametrize("notation", ["revision", "revision in text", "sortable text"])
def test_values_without_a_clock_move_up_to_what_was_there_before_the_read(
    tmp_path: Path, notation: str
) -> None:
    with running(account(notation, contacts=6)) as service:
        runs = Runs(service, tmp_path, paged=True)
        stamps = [service.contacts[number]["changed"] for number in range(1, 7)]
        runs.run()
        assert runs.bookmark["replication_key_value"] == stamps[1]
        runs.run()
        assert service.queries[-1]["since"] == str(stamps[1])
        assert runs.bookmark["replication_key_value"] == stamps[5]
        assert [record["id"] for record in runs.run().records] == [6]
    with running(account(notation, contacts=6)) as service:
        runs = Runs(service, tmp_path)
        runs.run()
        assert [record["id"] for record in runs.run().records] == [6]


def test_records_without_a_stamp_are_sent_and_move_nothing(tmp_path: Path) -> None:
    service = account("local")
    for number, stamp in enumerate(["", "0000-00-00 00:00:00", None], 1):
        service.contacts[number]["changed"] = stamp
    with running(service):
        runs = Runs(service, tmp_path)
        runs.run()
        assert runs.names == service.names
        assert runs.bookmark["replication_key_as_written"] == service.contacts[4]["changed"]


def test_the_look_back_is_a_setting(tmp_path: Path) -> None:
    with running(account("UTC")) as service:
        for seconds in (0, 86_400, 10**12):
            runs = Runs(service, tmp_path, lookback_seconds=seconds)
            runs.run()
            runs.run()
            last = datetime.fromisoformat(
                str(service.contacts[4]["changed"]).replace("Z", "+00:00")
            )
            bound = service.queries[-1]["since"].replace("Z", "+00:00")
            ago = last - datetime.fromisoformat(bound)
            assert ago == timedelta(seconds=min(seconds, 100 * 366 * 86_400))


def test_a_state_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    service = account("local", now=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    with running(service):
        runs = Runs(service, tmp_path)
        bookmark = {"replication_key": "changed", "replication_key_value": "2026-07-01T22:30:00Z"}
        runs.state = {"bookmarks": {"contacts": bookmark}}
        runs.run()
        assert service.queries[-1]["since"] == "2026-07-01T21:29:50Z"
        service.change(4, "now")
        runs.run()
        assert runs.bookmark["replication_key_as_written"] == "2026-07-02 00:30:00"
        runs.run()
        assert service.queries[-1]["since"] == "2026-07-01 23:29:50"


def test_a_state_of_another_column_is_not_taken(tmp_path: Path) -> None:
    with running(account("UTC")) as service:
        runs = Runs(service, tmp_path)
        bookmark = {"replication_key": "seen", "replication_key_value": "2026-07-01T22:30:00Z"}
        runs.state = {"bookmarks": {"contacts": bookmark}}
        runs.run()
        assert "since" not in service.queries[-1]
        assert runs.names == service.names


def test_the_read_began_before_the_service_began_to_answer() -> None:
    began = datetime(2026, 3, 1, 12, tzinfo=UTC)
    bookmark = Bookmark("changed", {}, zone=None, look_back=timedelta(), started_at=began)
    response = requests.Response()
    response.headers["Date"] = "Sun, 01 Mar 2026 11:00:30 GMT"
    response.elapsed = timedelta(seconds=30)
    bookmark.note_response(response)
    response.headers["Date"] = "not a date"
    bookmark.note_response(response)
    bookmark.add({"changed": "2026-03-01T11:30:00Z"})
    state: dict[str, Any] = {}
    bookmark.save(state)
    assert state["replication_key_value"] == "2026-03-01T11:00:00Z"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-28", "2026-11-27T23:00:00"),
        ("2026-11-28T10:00:00.5+02:00", "2026-11-28T08:00:00.500000"),
        ("2026-11-28 10:00:00", "2026-11-28T09:00:00"),
        ("28/11/2026", "2026-11-27T23:00:00"),
        ("28.11.2026 10:00", "2026-11-28T09:00:00"),
        (20261128, "2026-11-27T23:00:00"),
        (1_795_860_000, "2026-11-28T10:00:00"),
        (1_795_860_000.25, "2026-11-28T10:00:00.250000"),
        ("1795860000000", "2026-11-28T10:00:00"),
        (1_795_860_000_000_000, "2026-11-28T10:00:00"),
        *((other, None) for other in NO_MOMENTS),
    ],
)
def test_moments_are_told_from_other_values(value: Any, moment: str | None) -> None:
    reading = read_moment(value, ZoneInfo("Europe/Paris"))
    found = None if reading is None else reading.moment.replace(tzinfo=None).isoformat()
    assert found == moment


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        ("2026-11-30T10:00:00.1234567Z", "2026-11-30T09:59:50Z"),
        ("2026-11-30 10:00:00,123456789+01:00", "2026-11-30T08:59:50Z"),
        ("2026-11-30T10:00Z", "2026-11-30T09:59:50Z"),
        ("2026-11-30 10:00:00 UTC", "2026-11-30T09:59:50Z"),
        ("20261130T100000-0530", "2026-11-30T15:29:50Z"),
        ("2026-11-29T10:00:00.1234567", "2026-11-29T08:59:50"),
        ("29/11/2026 10:00:00.5", "29/11/2026 08:59:50"),
        ("Mon, 30 Nov 2026 10:00:00 GMT", "Mon, 30 Nov 2026 09:59:50 GMT"),
        ("9999-12-31T23:59:59Z", "2026-11-30T17:59:50Z"),
        ("9999-12-31T23:59:59.999-05:00", "2026-11-30T17:59:50Z"),
        ("9999-12-31T23:59:59", "2026-11-30T04:59:50"),
    ],
)
def test_the_next_run_goes_back_however_a_moment_is_written(value: str, bound: str) -> None:
    state: dict[str, Any] = {"replication_key": "changed"}
    for found in (None, bound):
        bookmark = Bookmark(
            "changed",
            state,
            zone=None,
            look_back=timedelta(seconds=10),
            started_at=datetime(2026, 11, 30, 18, tzinfo=UTC),
        )
        assert bookmark.lower_bound(None) == found
        assert not bookmark.is_ahead
        bookmark.add({"changed": value})
        bookmark.save(state)
