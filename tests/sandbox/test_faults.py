"""Faults on demand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.server import Fault

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from tests.sandbox.conftest import Client


def _statuses(client: Client, times: int) -> list[int]:
    return [client.kizen("/company", page=1).status_code for _ in range(times)]


def test_a_fault_answers_so_many_times(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault(path="/api/company", status=503, headers={"Retry-After": "0"}, body="x", times=2)
    )
    first = client.kizen("/company")
    assert (first.status_code, first.headers["Retry-After"], first.text) == (503, "0", "x")
    assert _statuses(client, 2) == [503, 200]
    assert sandbox.faults.hits == 2


def test_faults_hit_what_they_match(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault(path="/api/company", query="page=3", status=500, times=None),
        Fault(path="/action_manager.php", status=502, times=None),
        Fault(path="/api/*", method="POST", status=504, times=None),
    )
    assert _statuses(client, 1) == [200]
    assert client.kizen("/company", page=3).status_code == 500
    assert client.kizen("/company", method="POST").status_code == 504
    assert client.kananas().status_code == 502
    sandbox.faults.clear()
    assert client.kananas().status_code == 200


def test_some_pass_first(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500, skip=2, times=1))
    assert _statuses(client, 4) == [200, 200, 500, 200]


def test_a_share_of_requests_is_drawn_from_the_seed(client: Client, sandbox: Sandbox) -> None:
    draws = []
    for seed in (7, 7, 8):
        sandbox.faults.clear()
        sandbox.faults.add(Fault(status=503, share=0.4, seed=seed, times=None))
        draws.append(_statuses(client, 40))
    assert draws[0] == draws[1] != draws[2]
    assert 5 < draws[0].count(503) < 28


def test_a_closed_connection(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(close=True))
    with pytest.raises(requests.ConnectionError):
        client.kizen("/company")
    assert _statuses(client, 1) == [200]


@pytest.mark.parametrize("service", ["kizen", "kananas"])
def test_a_body_that_breaks_off(client: Client, sandbox: Sandbox, service: str) -> None:
    sandbox.faults.add(Fault(break_after=1000))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.kizen("/company") if service == "kizen" else client.kananas()
    assert client.kananas().status_code == 200


def test_a_truncated_body_is_a_whole_answer(client: Client, sandbox: Sandbox) -> None:
    whole = client.kananas()
    sandbox.faults.add(Fault(truncate=1000))
    answer = client.kananas()
    assert (answer.status_code, answer.content) == (200, whole.content[:1000])
    assert answer.headers["Content-Type"] == whole.headers["Content-Type"]


def test_a_delay_is_longer_than_the_client_waits(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(delay=3600))
    with pytest.raises(requests.ReadTimeout):
        requests.get(sandbox.kananas_url, timeout=0.2)
    # The sandbox also stops while a request still waits: the fixture's end is the proof.


def test_what_arrived_is_noted_without_secrets(client: Client, sandbox: Sandbox) -> None:
    client.kizen("/company", page=2, page_size=10)
    client.kananas(token=sandbox.credentials.kananas_token)
    client.kizen(f"/{sandbox.credentials.kizen_api_key}")
    paged, told, pathed = list(sandbox.requests)
    assert (paged.method, paged.path, paged.status) == ("GET", "/api/company", 200)
    assert paged.query == "page=2&page_size=10"
    assert sandbox.requests.to("/api/company") == [paged]
    assert paged.time <= told.time
    for arrival in (told, pathed):
        assert not any(secret in repr(arrival) for secret in sandbox.credentials.secrets)


def test_records_change_while_they_are_served(client: Client, sandbox: Sandbox) -> None:
    account = sandbox.account
    before = client.kizen("/company", page_size=1000).json()["results"]
    account.companies[3]["name"] = "Renommée SARL"
    account.companies[4]["new_field"] = {"nested": [1, None]}
    del account.companies[0]
    account.companies.append({**before[5], "id": "new"})
    after = client.kizen("/company", page_size=1000).json()["results"]
    assert after[2] == {**before[3], "name": "Renommée SARL"}
    assert after[3]["new_field"] == {"nested": [1, None]}
    assert [c["id"] for c in after] == [c["id"] for c in before[1:]] + ["new"]
    newest = client.kizen("/company", page_size=2, ordering="-created").json()["results"]
    assert newest == after[:-3:-1]
    account.contacts.clear()
    assert client.kananas().json() == {"contacts": []}


def test_changes_that_belong_together_are_seen_together(client: Client, sandbox: Sandbox) -> None:
    companies = sandbox.account.companies
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            with companies.lock:
                company = companies.pop(0)
                companies.append(company)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(20):
            page = client.kizen("/company", page_size=1000).json()
            assert len({company["id"] for company in page["results"]}) == 45
    finally:
        stop.set()
        thread.join()
