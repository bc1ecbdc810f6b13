"""The service's limit is kept, by the server's own clock, and its stumbles cost nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rest_tap.transport import new_session
from sandbox.server import Fault, running
from tests import servers
from tests.programs import kizen_settings, run_tap
from tests.tap_kizen.test_records import served_counts

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

LIMIT = 25

#: Well below the limit: a busy machine sees requests arrive closer together than they left. What
#: leaves within a second is counted to the millisecond in the tests of the pace itself.
RATE = 20


def most_in_a_second(server: Sandbox) -> int:
    times = sorted(arrival.time for arrival in server.requests)
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_all_streams_together_keep_the_limit(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = {**kizen_settings(sandbox, page_size=9), "rate_limit": RATE}
    outcome = run_tap("tap_kizen", settings, tmp_path)
    assert outcome.code == 0
    assert len(sandbox.requests) > 2 * LIMIT
    assert most_in_a_second(sandbox) <= LIMIT


def test_threads_and_sessions_share_the_pace(sandbox: Sandbox) -> None:
    """As two taps of one process, or pages fetched ahead, would."""
    sessions = [new_session(sandbox.kizen_url, RATE) for _ in range(2)]

    def ask(number: int) -> int:
        return sessions[number % 2].get(f"{sandbox.kizen_url}/company").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(60))) == {401}
    assert most_in_a_second(sandbox) <= LIMIT
    for session in sessions:
        session.close()


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_server_that_refuses_a_tenth_of_all_requests(tmp_path: Path, status: int) -> None:
    with running(replace(servers.SMALL, kizen_refuses=())) as server:
        server.faults.add(
            Fault(path="/api/*", share=0.1, times=None, status=status, headers={"Retry-After": "0"})
        )
        outcome = run_tap("tap_kizen", kizen_settings(server, page_size=5), tmp_path)
        assert outcome.code == 0, outcome.err
        assert server.faults.hits > 3
        for stream, count in served_counts(server).items():
            assert len({row["id"] for row in outcome.records_of(stream)}) == count, stream


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"detail": "No.", "code": "nope"}', "detail: No.; code: nope"),
        ('{"page_size": ["Too large."]}', "page_size: Too large."),
        ('{"name": [{"message": "Bad.", "code": "x"}]}', "name: Bad."),
        ('{"non_field_errors": ["Wrong."]}', "non_field_errors: Wrong."),
        ('{"errors": [{"message": "Broken."}], "results": []}', "errors: Broken."),
        ('["Plainly wrong."]', "Plainly wrong."),
        ("<html><title>Oops &amp; co</title></html>", "an HTML page titled 'Oops & co'"),
    ],
)
def test_a_refusal_is_told_in_its_own_words(
    sandbox: Sandbox, tmp_path: Path, body: str, words: str
) -> None:
    sandbox.faults.add(
        Fault(path="/api/team", status=400, body=body, times=None, headers={"X-Request-ID": "r-7"})
    )
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 1
    assert f"/api/team answered 400: {words}" in outcome.last_line
    assert "X-Request-ID" in outcome.last_line


def test_no_answer_leads_elsewhere(
    sandbox: Sandbox, shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    """`next` may name any host: only that it is there counts."""
    before = len(shared_sandbox.requests)
    page = f'{{"results": [{{"id": "1"}}], "next": "{shared_sandbox.kizen_url}/forms?page=2"}}'
    sandbox.faults.add(Fault(path="/api/forms", query="page=1&", status=200, body=page, times=None))
    outcome = run_tap("tap_kizen", kizen_settings(sandbox), tmp_path)
    assert outcome.code == 0
    assert [row["id"] for row in outcome.records_of("forms")] == ["1"]
    assert len(shared_sandbox.requests) == before
